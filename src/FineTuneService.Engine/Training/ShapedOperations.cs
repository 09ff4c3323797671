using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Lora.Initialisations;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>The operations of a pass in shapes alone: each lends, keeps and returns what its namesake does, forward and backward.</summary>
/// <param name="layout">Of the adapter; null where every weight trains.</param>
/// <param name="pool">On libtorch's meta device.</param>
/// <param name="tape">Null: a forward alone.</param>
internal sealed class ShapedOperations(ModelConfig model, TrainingConfig config, LoraLayout? layout, ScalarType dtype, BufferPool pool, Tape? tape)
{
    private readonly Dictionary<string, AdaptedLayer> _adapted = layout?.Layers.ToDictionary(layer => layer.Key) ?? [];
    private readonly bool _removes = config.Lora is { } lora && Initialisation.Of(lora.Initialisation).ChangesBase;

    public BufferPool Pool => pool;

    public Tape? Tape => tape;

    /// <summary>The same operations on another tape.</summary>
    public ShapedOperations On(Tape? other) => new(model, config, layout, dtype, pool, other);

    public Tensor Lend(long tokens, long width) => pool.Lend(dtype, tokens, width);

    public Activation New(bool needsGrad, long tokens, long width) => new(Lend(tokens, width), needsGrad, pool);

    /// <summary>A stream's norm, or the stream where there is none, for a branch that reads it.</summary>
    public (Activation Stream, Activation? Branch, Activation Input) Input(Activation stream, Activation? branch, NormSlot? norm)
    {
        if (norm is null)
        {
            if (branch is not null) stream = Sum(stream, branch);
            return (stream, null, stream.AlsoRead());
        }
        if (branch is null) return (stream, null, Norm(stream.AlsoRead(), norm));
        if (model.Norm == NormKind.Layer)
        {
            stream = Sum(stream, branch);
            return (stream, null, Norm(stream.AlsoRead(), norm));
        }
        // Addition and norm are one kernel: both results are there before what it reads is let go of.
        Tensor sum = pool.Lend(stream.Dtype, stream.Shape), output = pool.Lend(stream.Dtype, stream.Shape), statistics = Statistics(stream);
        stream = Operations.Sum.Of(sum, stream, branch, new Pass(pool, tape));
        return (stream, null, Normed(stream.AlsoRead(), output, statistics, norm));
    }

    public (Activation, Activation?) Add(Activation stream, Activation? branch, Activation added) => (branch is null ? stream : Sum(stream, branch), added);

    public (Activation, Activation?) Renorm(Activation stream, Activation? branch, NormSlot norm)
    {
        (stream, _, Activation normed) = Input(stream, branch, norm);
        stream.Done();
        return (normed, null);
    }

    public (Activation, Activation?) End(Activation stream, Activation? branch, NormSlot? norm)
    {
        if (norm is not null) (stream, branch) = Renorm(stream, branch, norm);
        return (branch is null ? stream : Sum(stream, branch), null);
    }

    public Activation Sum(Activation stream, Activation addend) => Operations.Sum.Of(pool.Lend(stream.Dtype, stream.Shape), stream, addend, new Pass(pool, tape));

    public Activation Norm(Activation x, NormSlot norm)
    {
        Tensor output = pool.Lend(x.Dtype, x.Shape);
        return Normed(x, output, Statistics(x), norm);
    }

    private Tensor Statistics(Activation x) => pool.Lend(ScalarType.Float32, x.Shape[0], model.Norm == NormKind.Layer ? 2 : 1);

    private Activation Normed(Activation x, Tensor output, Tensor statistics, NormSlot norm)
    {
        bool trains = tape is not null && (layout is null || layout.Norms.Any(own => norm.Modules.Contains(own.Part.Module)));
        var normed = new Activation(output, x.NeedsGrad || trains, pool);
        if (!normed.NeedsGrad)
        {
            pool.Return(statistics);
            x.Done();
            return normed;
        }
        tape!.Record(() =>
        {
            _ = x.GradientPlace();
            normed.ReleaseGradient();
            pool.Return(statistics);
            x.Done();
        });
        return normed;
    }

    /// <param name="checkedOut">The head's: its input and output are its caller's, and its gradient lies where its output was.</param>
    public Activation Linear(Activation x, LinearSlot linear, bool checkedOut = false)
    {
        long tokens = x.Shape[0];
        Tensor y = Lend(tokens, linear.Out);
        AdaptedLayer? adapted = _adapted.GetValueOrDefault(linear.Parts[0].Module);
        bool trains = tape is not null && (layout is null || adapted is not null);
        long rank = adapted?.A?.Shape[0] ?? 0;
        bool drops = rank > 0 && config.Lora!.Dropout > 0 && tape is not null && !checkedOut, dora = adapted?.Modules.Any(module => module.Magnitude is not null) == true;
        var branches = new List<Tensor>();
        if (rank > 0) branches.Add(Lend(tokens, rank));
        if (drops) Dropped(x, adapted!);
        if (rank > 0 && _removes) branches.Add(Lend(tokens, rank));
        if (dora && trains) branches.AddRange(adapted!.Modules.Select(module => Lend(tokens, module.Part.Out)));
        var output = new Activation(y, x.NeedsGrad || trains, pool);
        if (!output.NeedsGrad) branches.ForEach(pool.Return);
        else
        {
            tape!.Record(() =>
            {
                if (x.NeedsGrad) _ = x.GradientPlace();
                bool changes = dora || adapted?.Replaced.Any(own => own.Weight is not null) == true || adapted?.Tokens is not null;
                Tensor? dBase = changes ? pool.Lend(dtype, output.Shape) : null;
                if (layout is null) Product(linear.Out, linear.In);
                if (rank > 0) pool.Return(Lend(tokens, rank));
                foreach (AdaptedModule module in adapted?.Modules ?? []) Product(module.Part.Out, module.Rank);
                if (rank > 0) Product(rank, linear.In);
                if (drops) Dropped(x, adapted!);
                pool.Return(dBase);
                branches.ForEach(pool.Return);
                if (checkedOut) return;
                if (trains) x.Done();
                output.ReleaseGradient();
            });
        }
        if (!trains && !checkedOut) x.Done();
        return output;
    }

    public Activation QueryKeyNorm(Activation qkv, int queryRows, int keyRows)
    {
        int numbers = model.Norm == NormKind.Layer ? 2 : 1;
        Tensor query = pool.Lend(ScalarType.Float32, qkv.Shape[0] * queryRows, numbers), key = pool.Lend(ScalarType.Float32, qkv.Shape[0] * keyRows, numbers);
        if (!qkv.NeedsGrad)
        {
            pool.Return(query);
            pool.Return(key);
            return qkv;
        }
        var normed = new Activation(pool.Lend(qkv.Dtype, qkv.Shape), needsGrad: true, pool);
        tape!.Record(() =>
        {
            _ = qkv.GradientPlace();
            normed.ReleaseGradient();
            pool.Return(query);
            pool.Return(key);
            qkv.Done();
        });
        return normed;
    }

    /// <summary>An MLP's activation, of as many elements or, gated, of half of them.</summary>
    public Activation Inner(Activation x, bool gated)
    {
        Activation output = New(x.NeedsGrad, x.Shape[0], gated ? x.Shape[1] / 2 : x.Shape[1]);
        if (!output.NeedsGrad)
        {
            x.Done();
            return output;
        }
        tape!.Record(() =>
        {
            Tensor? gradient = gated ? pool.Lend(x.Dtype, x.Shape) : null;
            if (gradient is null) _ = x.GradientPlace();
            output.ReleaseGradient();
            if (gradient is not null) x.TakeGradient(gradient);
            x.Done();
        });
        return output;
    }

    public Activation Scaled(Activation x) => Operations.Scaled.Forward(x, 2, new Pass(pool, tape));

    /// <summary>A product of the compute dtype on its way into a gradient of another.</summary>
    private void Product(long rows, long columns)
    {
        if (dtype != (config.AllBf16 ? ScalarType.BFloat16 : ScalarType.Float32)) pool.Return(Lend(rows, columns));
    }

    /// <summary>A part's input after dropout, and the mask.</summary>
    private void Dropped(Activation x, AdaptedLayer adapted)
    {
        foreach (AdaptedModule _ in adapted.Modules)
        {
            Tensor dropped = pool.Lend(x.Dtype, x.Shape), mask = pool.Lend(x.Dtype, x.Shape);
            pool.Return(mask);
            pool.Return(dropped);
        }
    }
}
