using FineTuneService.Eager;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.Gates;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Autograd;

/// <summary>The tape's backward of each operation without a product, against libtorch's autograd over the same values.</summary>
public sealed class OperationGradientTests
{
    private const int Tokens = 37, Hidden = 64;
    private const double Epsilon = 1e-6;

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.BFloat16)]
    public void RmsNorm_OfTheStream_EqualsAutograd(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var run = new TapeRun();
        (Tensor x, Tensor w, Tensor dy) = (Leaf.Draw(1, dtype, Tokens, Hidden), Leaf.Draw(2, dtype, Hidden), Leaf.Draw(3, dtype, Tokens, Hidden));
        Tensor dw = zeros(Hidden);
        Activation stream = TapeRun.Input(x);
        Activation normed = Norm.Forward(stream, new NormWeight(NormKind.Rms, w, null, (float)Epsilon), run.Pass(new Gradients([(w, dw)])));
        run.Backward((normed, dy));

        GradientAssert.Equal(dtype, [("dx", stream.Grad!), ("dw", dw)], computed =>
        {
            (Tensor leafX, Tensor leafW) = (Leaf.Of(x, computed), Leaf.Of(w, computed));
            (EagerOperations.Norm(leafX, leafW, Epsilon) * dy).sum().backward();
            return [leafX.grad!, leafW.grad!];
        });
    }

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.BFloat16)]
    public void RmsNorm_AfterAnAddition_EqualsAutograd(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var run = new TapeRun();
        Tensor[] drawn = [.. Enumerable.Range(1, 4).Select(seed => Leaf.Draw((ulong)seed, dtype, Tokens, Hidden))];
        (Tensor x, Tensor added, Tensor dSum, Tensor dNormed) = (drawn[0], drawn[1], drawn[2], drawn[3]);
        Tensor w = Leaf.Draw(5, dtype, Hidden);
        (Activation stream, Activation addend) = (TapeRun.Input(x), TapeRun.Input(added));
        (Activation sum, Activation normed) = Norm.AddForward(stream, addend, new NormWeight(NormKind.Rms, w, null, (float)Epsilon), run.Pass());
        run.Backward((sum, dSum), (normed, dNormed));

        GradientAssert.Equal(dtype, [("d stream", stream.Grad!), ("d addend", addend.Grad!)], computed =>
        {
            (Tensor leafX, Tensor leafAdded) = (Leaf.Of(x, computed), Leaf.Of(added, computed));
            Tensor total = leafX + leafAdded;
            ((EagerOperations.Norm(total, w.to_type(computed), Epsilon) * dNormed).sum() + (total * dSum).sum()).backward();
            return [leafX.grad!, leafAdded.grad!];
        });
    }

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.BFloat16)]
    public void Gated_SiluAndUp_EqualsAutograd(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var run = new TapeRun();
        (Tensor x, Tensor dy) = (Leaf.Draw(1, dtype, Tokens, 2 * Hidden) * 4, Leaf.Draw(2, dtype, Tokens, Hidden));
        Activation gateUp = TapeRun.Input(x);
        run.Backward((Gated.Forward(gateUp, GateKind.Silu, run.Pass()), dy));

        GradientAssert.Equal(dtype, [("d gate and up", gateUp.Grad!)], computed =>
        {
            Tensor leaf = Leaf.Of(x, computed);
            (EagerOperations.SwiGlu(leaf.narrow(1, 0, Hidden), leaf.narrow(1, Hidden, Hidden)) * dy).sum().backward();
            return [leaf.grad!];
        });
    }

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.BFloat16)]
    public void EmbeddingLookup_RepeatedIds_EqualsAutograd(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var run = new TapeRun();
        (Tensor table, Tensor dy) = (Leaf.Draw(1, dtype, 20, Hidden), Leaf.Draw(2, dtype, Tokens, Hidden));
        Tensor ids = tensor([.. Enumerable.Range(0, Tokens).Select(i => (long)(i * i % 20))]), dTable = zeros(20, Hidden);
        run.Backward((EmbeddingLookup.Forward(table, ids, run.Pass(new Gradients([(table, dTable)]))), dy));

        GradientAssert.Equal(dtype, [("d table", dTable)], computed =>
        {
            Tensor leaf = Leaf.Of(table, computed);
            (leaf.index_select(0, ids) * dy).sum().backward();
            return [leaf.grad!];
        });
    }

    /// <summary>A width below, at and above the tile of 256 queries.</summary>
    [Theory]
    [InlineData(ScalarType.Float32, 19), InlineData(ScalarType.Float32, 256), InlineData(ScalarType.Float32, 300)]
    [InlineData(ScalarType.BFloat16, 19), InlineData(ScalarType.BFloat16, 300)]
    public void Attention_GroupedQueriesRotated_EqualsAutograd(ScalarType dtype, int width)
    {
        using var scope = NewDisposeScope();
        using var run = new TapeRun();
        const int rows = 2;
        ModelConfig config = TinyModel.Config;
        int queries = config.Heads * config.HeadDim, keys = config.KeyValueHeads * config.HeadDim;
        (Tensor x, Tensor dy) = (Leaf.Draw(1, dtype, rows * width, queries + 2 * keys), Leaf.Draw(2, dtype, rows * width, queries));
        using var rotary = new RotaryTable(config.Rope(RopeUse.Global), false, CPU);
        Rotation rotation = rotary.For([.. Enumerable.Range(0, rows * width).Select(i => (long)(i % width))]);
        Activation qkv = TapeRun.Input(x);
        var shape = new AttentionShape(rows, width, config.Heads, config.KeyValueHeads, config.HeadDim);
        run.Backward((Attention.Forward(qkv, shape, new ScoreRule(1 / MathF.Sqrt(config.HeadDim)), rotation, run.Pass()), dy));

        // Each with its own largest: values' gradients are much larger than queries' and keys'.
        Tensor[] Parts(Tensor t) => [t.narrow(1, 0, queries), t.narrow(1, queries, keys), t.narrow(1, queries + keys, keys)];
        GradientAssert.Equal(dtype, [.. new[] { "dq", "dk", "dv" }.Zip(Parts(qkv.Grad!))], computed =>
        {
            Tensor leaf = Leaf.Of(x, computed);
            Tensor[] parts = [.. Parts(leaf).Select(part => part.view(rows, width, -1))];
            Tensor mixed = EagerOperations.Attention(parts[0], parts[1], parts[2], config, EagerPositions.Of(config, width, computed));
            (mixed.view(rows * width, queries) * dy).sum().backward();
            return Parts(leaf.grad!);
        });
    }
}
