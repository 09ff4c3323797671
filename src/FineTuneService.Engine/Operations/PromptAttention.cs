using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// What LLaMA-Adapter adds to attention's output: gate · softmax(q·kᵀ/√d)·v over the trained tokens of the adapter, every token seeing all of
/// them; the queries with their rotary embedding, the prompt's keys without. It is added before the output projection, as that is linear.
/// </summary>
internal sealed class PromptAttention
{
    private readonly LinearWeight _projection;
    private readonly AttentionShape _shape;
    private readonly Pass _pass;
    private readonly AdapterRows _rows;
    private readonly Tensor _prompt, _gate;
    private readonly PromptTensors? _gradient;

    private PromptAttention(LinearWeight projection, AttentionShape shape, AdapterRows rows, PromptTensors prompt, Pass pass)
    {
        (_projection, _shape, _rows, _pass) = (projection, shape, rows, pass);
        (_prompt, _gate) = (rows.Adapter.Compute(prompt.Prompt.dtype).PromptOf(projection)!.Prompt, prompt.Gate);
        _gradient = pass.Tape is null ? null : pass.Gradients?.Lora?.PromptOf(projection);
    }

    /// <summary>The pass's adapters that have prompts on this layer.</summary>
    /// <param name="projection">The layer's joined queries, keys and values.</param>
    public static IReadOnlyList<AdapterRows> On(LinearWeight projection, Pass pass) =>
        pass.Adapters.Count == 0 ? [] : [.. pass.Adapters.Where(rows => rows.Adapter.Values.PromptOf(projection) is not null)];

    /// <param name="attended">[tokens, heads·headDim]: attention's own output, added to in place.</param>
    /// <param name="qkv">What attention has read, its queries turned by their positions; this reads it too.</param>
    /// <returns>[tokens, heads·headDim].</returns>
    public static Activation Forward(
        Activation attended, Activation qkv, IReadOnlyList<AdapterRows> prompted, LinearWeight projection, AttentionShape shape, Rotation? rotation, Pass pass)
    {
        using var scope = NewDisposeScope();
        PromptAttention[] parts = [.. prompted.Select(rows =>
            new PromptAttention(projection, shape, rows, rows.Adapter.Compute(qkv.Dtype).PromptOf(projection)!, pass))];
        foreach (PromptAttention part in parts)
        {
            (Tensor keys, Tensor values) = part.KeysAndValues();
            Tensor mixed = MatrixProduct.Batch(part.Probabilities(part.Queries(qkv.Value), keys).to_type(qkv.Dtype), values, pass.Pool);
            part.Heads(attended.Value).add_(part.Ungrouped(mixed * part._gate.to_type(mixed.dtype)));
        }
        bool trains = Array.Exists(parts, part => part._gradient is not null);
        // Attention's buffer is this operation's from now on.
        var output = new Activation(attended.Value, attended.NeedsGrad || trains, pass.Pool);
        if (output.NeedsGrad) pass.Tape!.Record(() => Backward(parts, attended, qkv, output, rotation));
        else qkv.Done();
        return output;
    }

    private static void Backward(PromptAttention[] parts, Activation attended, Activation qkv, Activation output, Rotation? rotation)
    {
        using var scope = NewDisposeScope();
        AttentionShape shape = parts[0]._shape;
        BufferPool pool = parts[0]._pass.Pool;
        Tensor? dQkv = qkv.NeedsGrad ? pool.LendZeros(qkv.Dtype, qkv.Shape) : null;
        foreach (PromptAttention part in parts) part.Backward(qkv.Value, output.Grad!, dQkv);
        qkv.Done();
        if (dQkv is not null)
        {
            rotation?.Apply(dQkv, shape, inverse: true);
            qkv.TakeGradient(dQkv);
        }
        if (attended.NeedsGrad) output.HandGradient(attended);
        else output.ReleaseGradient();
    }

    /// <param name="dOutput">[tokens, heads·headDim].</param>
    /// <param name="dQkv">[tokens, queries + keys + values], zeros where no other prompt has written; null where nothing below trains.</param>
    private void Backward(Tensor qkv, Tensor dOutput, Tensor? dQkv)
    {
        (Tensor keys, Tensor values) = KeysAndValues();
        Tensor queries = Queries(qkv), probabilities = Probabilities(queries, keys), rounded = probabilities.to_type(qkv.dtype), dMixed = Grouped(Heads(dOutput));
        if (_gradient is not null)
        {
            Tensor mixed = MatrixProduct.Batch(rounded, values, _pass.Pool);
            _gradient.Gate.add_((dMixed.to_type(ScalarType.Float32) * mixed.to_type(ScalarType.Float32)).sum());
        }
        dMixed = dMixed * _gate.to_type(dMixed.dtype);
        Tensor dProbabilities = MatrixProduct.Batch(dMixed, values.transpose(1, 2), _pass.Pool).to_type(ScalarType.Float32);
        Tensor dScores = (probabilities * (dProbabilities - (probabilities * dProbabilities).sum(-1, keepdim: true)) * Scale).to_type(qkv.dtype);
        if (dQkv is not null) _shape.Queries(dQkv.narrow(0, _rows.Start, _rows.Count)).copy_(Ungrouped(MatrixProduct.Batch(dScores, keys, _pass.Pool)));
        if (_gradient is null) return;

        Tensor dProjected = zeros([_prompt.shape[1], _projection.Out], qkv.dtype, qkv.device), dPrompt = empty_like(_prompt).view(-1, _projection.In);
        _shape.Keys(dProjected).copy_(MatrixProduct.Batch(dScores.transpose(1, 2), queries, _pass.Pool).transpose(0, 1));
        _shape.Values(dProjected).copy_(MatrixProduct.Batch(rounded.transpose(1, 2), dMixed, _pass.Pool).transpose(0, 1));
        _projection.MultiplyBackward(dProjected, dPrompt, 0, _pass.Pool);
        _gradient.Prompt.add_(dPrompt.view(_prompt.shape));
    }

    private double Scale => 1 / Math.Sqrt(_shape.HeadDim);

    /// <summary>[kvHeads, length, headDim] each.</summary>
    private (Tensor Keys, Tensor Values) KeysAndValues()
    {
        Tensor projected = _rows.Adapter.PromptKeys(_projection, _prompt, _pass.Pool);
        return (_shape.Keys(projected).transpose(0, 1).contiguous(), _shape.Values(projected).transpose(0, 1).contiguous());
    }

    /// <summary>fp32 [kvHeads, tokens·group, length].</summary>
    private Tensor Probabilities(Tensor queries, Tensor keys) =>
        MatrixProduct.Batch(queries, keys.transpose(1, 2), _pass.Pool).to_type(ScalarType.Float32).mul(Scale).softmax(-1);

    /// <summary>The adapter's rows of qkv, as [kvHeads, tokens·group, headDim].</summary>
    private Tensor Queries(Tensor qkv) => Grouped(_shape.Queries(qkv.narrow(0, _rows.Start, _rows.Count)));

    /// <summary>The adapter's rows of [tokens, heads·headDim], as a view [tokens, kvHeads, group, headDim].</summary>
    private Tensor Heads(Tensor tokens) => tokens.narrow(0, _rows.Start, _rows.Count).view(_rows.Count, _shape.KeyValueHeads, _shape.Group, _shape.HeadDim);

    private Tensor Grouped(Tensor heads) => heads.transpose(0, 1).reshape(_shape.KeyValueHeads, -1, _shape.HeadDim);

    private Tensor Ungrouped(Tensor grouped) => grouped.view(_shape.KeyValueHeads, -1, _shape.Group, _shape.HeadDim).transpose(0, 1);
}
