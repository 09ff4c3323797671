using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary><see cref="DecoderBlock"/> in shapes alone.</summary>
/// <param name="layout">Of the adapter; null where every weight trains.</param>
internal sealed class ShapedBlock(ModelConfig model, LoraLayout? layout, ShapedOperations pass, long tokens)
{
    private readonly long _queries = model.Heads * model.HeadDim, _keys = model.KeyValueHeads * model.HeadDim;

    /// <param name="branch">Waits to be added to the stream.</param>
    /// <returns>The stream and the branch behind the block.</returns>
    public (Activation, Activation?) Forward(LayerSlots layer, Activation stream, Activation? branch)
    {
        Activation input;
        switch (model.Residual)
        {
            case Residual.Sequential:
                (stream, branch, input) = pass.Input(stream, branch, layer.BeforeAttention);
                (stream, branch) = pass.Add(stream, branch, Attend(input, layer));
                (stream, branch, input) = pass.Input(stream, branch, layer.BeforeMlp);
                return pass.Add(stream, branch, Mlp(input, layer));
            case Residual.Parallel:
                (stream, branch, input) = pass.Input(stream, branch, layer.BeforeAttention);
                Activation second;
                if (layer.BeforeMlp is null) second = input.AlsoRead();
                else (stream, branch, second) = pass.Input(stream, branch, layer.BeforeMlp);
                (stream, branch) = pass.Add(stream, branch, Attend(input, layer));
                return pass.Add(stream, branch, Mlp(second, layer));
            default:
                (stream, branch, input) = pass.Input(stream, branch, null);
                (stream, branch) = pass.Add(stream, branch, Attend(input, layer));
                (stream, branch) = pass.Renorm(stream, branch, layer.BeforeAttention!);
                (stream, branch, input) = pass.Input(stream, branch, null);
                (stream, branch) = pass.Add(stream, branch, Mlp(input, layer));
                return pass.Renorm(stream, branch, layer.BeforeMlp!);
        }
    }

    private Activation Attend(Activation x, LayerSlots layer)
    {
        Activation qkv = pass.Linear(x, layer.Qkv);
        if (layer.QueryNorm is not null) qkv = pass.QueryKeyNorm(qkv, model.HeadNorms == HeadNorms.Together ? 1 : model.Heads, model.HeadNorms == HeadNorms.Together ? 1 : model.KeyValueHeads);
        bool prompted = layout?.Prompts.Any(prompt => prompt.Key == layer.Qkv.Parts[0].Module) == true;
        if (prompted) qkv.AlsoRead();
        Activation attended = Attention(qkv);
        return Branch(pass.Linear(prompted ? Prompt(attended, qkv) : attended, layer.O), layer.AfterAttention);
    }

    /// <summary><see cref="Operations.Attention"/>.</summary>
    private Activation Attention(Activation qkv)
    {
        BufferPool pool = pass.Pool;
        Tensor queries = pass.Lend(tokens, _queries), keys = pass.Lend(tokens, _keys), values = pass.Lend(tokens, _keys);
        qkv.Done();
        Tensor mixed = pass.Lend(tokens, _queries);
        Activation output = pass.New(qkv.NeedsGrad, tokens, _queries);
        pool.Return(mixed);
        if (!output.NeedsGrad)
        {
            foreach (Tensor each in new[] { queries, keys, values }) pool.Return(each);
            return output;
        }
        pass.Tape!.Record(() =>
        {
            Tensor dMixed = pass.Lend(tokens, _queries), dQueries = pass.Lend(tokens, _queries), dKeys = pass.Lend(tokens, _keys), dValues = pass.Lend(tokens, _keys);
            output.ReleaseGradient();
            foreach (Tensor each in new[] { dMixed, queries, keys, values }) pool.Return(each);
            Tensor dQkv = pool.Lend(qkv.Dtype, qkv.Shape);
            qkv.TakeGradient(dQkv);
            if (!ReferenceEquals(qkv.Grad, dQkv)) pool.Return(dQkv);
            foreach (Tensor each in new[] { dQueries, dKeys, dValues }) pool.Return(each);
        });
        return output;
    }

    /// <summary><see cref="Operations.PromptAttention"/>.</summary>
    private Activation Prompt(Activation attended, Activation qkv)
    {
        var output = new Activation(attended.Value, attended.NeedsGrad || pass.Tape is not null, pass.Pool);
        if (!output.NeedsGrad) qkv.Done();
        else
        {
            pass.Tape!.Record(() =>
            {
                Tensor? dQkv = qkv.NeedsGrad ? pass.Pool.Lend(qkv.Dtype, qkv.Shape) : null;
                qkv.Done();
                if (dQkv is not null) qkv.TakeGradient(dQkv);
                if (attended.NeedsGrad) output.HandGradient(attended);
                else output.ReleaseGradient();
            });
        }
        return output;
    }

    private Activation Mlp(Activation x, LayerSlots layer)
    {
        if (layer.Experts is { } experts) return Branch(Experts(x, experts), layer.AfterMlp);
        return Branch(pass.Linear(pass.Inner(pass.Linear(x, layer.Up!), model.GatedMlp), layer.Down!), layer.AfterMlp);
    }

    /// <summary><see cref="Operations.ExpertMlp"/>, each expert with as many tokens as the others.</summary>
    private Activation Experts(Activation x, ExpertSlots experts)
    {
        int count = experts.Experts.Count;
        long each = (tokens * model.Experts!.Active + count - 1) / count;
        bool trains = x.NeedsGrad && pass.Tape is not null;
        pass.Pool.Return(pass.Lend(tokens, experts.Router.Out));
        var branches = new List<(Activation Input, Activation Output)>();
        pass.Tape?.Record(() =>
        {
            if (x.NeedsGrad) _ = x.GradientPlace();
            foreach ((Activation input, _) in branches) input.ReleaseGradient();
            x.Done();
        });
        Tensor sum = pass.Lend(tokens, model.HiddenSize);
        foreach ((LinearSlot up, LinearSlot down) in experts.Experts)
        {
            Activation input = pass.New(trains, each, model.HiddenSize), output = pass.Linear(pass.Inner(pass.Linear(input, up), gated: true), down);
            pass.Pool.Return(pass.Pool.Lend(output.Dtype, output.Shape));
            branches.Add((input, output));
            if (!output.NeedsGrad) output.Done();
        }
        var result = new Activation(sum, trains || branches.Exists(branch => branch.Output.NeedsGrad), pass.Pool);
        if (result.NeedsGrad)
        {
            pass.Tape!.Record(() =>
            {
                foreach ((_, Activation output) in branches.Where(branch => branch.Output.NeedsGrad))
                {
                    output.TakeGradient(pass.Pool.Lend(output.Dtype, output.Shape));
                    output.Done();
                }
                result.ReleaseGradient();
            });
        }
        else if (pass.Tape is null) x.Done();
        return result;
    }

    private Activation Branch(Activation output, NormSlot? norm)
    {
        if (norm is not null) output = pass.Norm(output, norm);
        return model.ResidualScale == 1 ? output : pass.Scaled(output);
    }
}
