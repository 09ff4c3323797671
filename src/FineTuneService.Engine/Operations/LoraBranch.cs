using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// The low-rank branch of a linear layer on consecutive rows: y += scaling · ((x·Aᵀ)·Bᵀ + b) for every targeted part. The parts' A are
/// adjacent in memory, so the product with them is one, except under dropout, where every part has its own mask.
/// Matrices whose product counts as taken off the base (PiSSA) are a branch too, of the opposite sign: frozen, and not dropped.
/// </summary>
internal sealed class LoraBranch : AdapterBranch
{
    private readonly JoinedLora _lora;
    private readonly JoinedLora? _gradient;
    private readonly Tensor _inner;
    private readonly bool _removed;
    private readonly Dropout? _dropout;

    private LoraBranch(AdapterRows rows, JoinedLora lora, JoinedLora? gradient, Tensor inner, bool removed, Dropout? dropout) : base(rows) =>
        (_lora, _gradient, _inner, _removed, _dropout) = (lora, gradient, inner, removed, dropout);

    /// <summary>Its input is what dropout left of the layer's.</summary>
    public bool IsDropped => !_removed;

    public override bool Trains => _gradient is not null;

    /// <summary>Adds to y.</summary>
    /// <param name="x">[tokens, in].</param>
    /// <param name="y">[tokens, out].</param>
    /// <param name="lora">Of this layer, in x's dtype.</param>
    /// <param name="removed">The product is taken off, instead of added.</param>
    public static LoraBranch Forward(Tensor x, Tensor y, JoinedLora lora, JoinedLora? gradient, AdapterRows rows, Pass pass, bool removed = false)
    {
        Dropout? dropout = removed ? null : pass.Dropout;
        Tensor inner = pass.Pool.Lend(x.dtype, rows.Count, lora.A!.shape[0]);
        var branch = new LoraBranch(rows, lora, gradient, inner, removed, dropout);
        Tensor rowsX = branch.Rows(x), rowsY = branch.Rows(y);
        if (dropout is null) MatrixProduct.Add(inner, rowsX, lora.A.t(), pass.Pool, beta: 0);
        foreach (JoinedLoraPart part in lora.Parts)
        {
            Tensor partInner = inner.narrow(1, part.RankOffset, part.Rank);
            if (dropout is not null)
            {
                Tensor dropped = pass.Pool.Lend(x.dtype, rowsX.shape);
                dropout(part.Module, rowsX, dropped, pass.Tokens);
                MatrixProduct.Add(partInner, dropped, part.A.t(), pass.Pool, beta: 0);
                pass.Pool.Return(dropped);
            }
            Tensor partY = rowsY.narrow(1, part.OutOffset, part.Out);
            MatrixProduct.Add(partY, partInner, part.B.t(), pass.Pool, beta: 1, branch.Factor(part));
            if (part.BiasOfB is not null) partY.add_(part.BiasOfB, alpha: part.Scaling);
        }
        return branch;
    }

    public override void Backward(Tensor x, Tensor dy, Tensor dBase, Tensor? dx, Pass pass)
    {
        BufferPool pool = pass.Pool;
        Tensor rowsX = Rows(x), rowsDy = Rows(dBase);
        Tensor? rowsDx = dx is null ? null : Rows(dx);
        Tensor dInner = pool.Lend(x.dtype, _inner.shape);
        for (int i = 0; i < _lora.Parts.Count; i++)
        {
            JoinedLoraPart part = _lora.Parts[i];
            Tensor partDy = rowsDy.narrow(1, part.OutOffset, part.Out);
            Tensor partInner = _inner.narrow(1, part.RankOffset, part.Rank);
            Tensor partDInner = dInner.narrow(1, part.RankOffset, part.Rank);
            MatrixProduct.Add(partDInner, partDy, part.B, pool, beta: 0, Factor(part));
            if (_gradient is not null)
            {
                Gradients.AddProduct(_gradient.Parts[i].B, partDy.t(), partInner, part.Scaling, pool);
                AddSum(_gradient.Parts[i].BiasOfB, partDy, part.Scaling);
            }
            if (_dropout is not null) DroppedBackward(part, _gradient?.Parts[i].A, rowsX, partDInner, rowsDx, pass);
        }
        if (_dropout is null)
        {
            if (_gradient is not null) Gradients.AddProduct(_gradient.A!, dInner.t(), rowsX, 1, pool);
            if (rowsDx is not null) MatrixProduct.Add(rowsDx, dInner, _lora.A!, pool, beta: 1);
        }
        pool.Return(dInner);
    }

    public override void Release(BufferPool pool) => pool.Return(_inner);

    private float Factor(JoinedLoraPart part) => (float)(_removed ? -part.Scaling : part.Scaling);

    private static void DroppedBackward(JoinedLoraPart part, Tensor? gradient, Tensor x, Tensor dInner, Tensor? dx, Pass pass)
    {
        Tensor dropped = pass.Pool.Lend(x.dtype, x.shape);
        if (gradient is not null)
        {
            pass.Dropout!(part.Module, x, dropped, pass.Tokens);
            Gradients.AddProduct(gradient, dInner.t(), dropped, 1, pass.Pool);
        }
        if (dx is not null)
        {
            MatrixProduct.Add(dropped, dInner, part.A, pass.Pool, beta: 0);
            pass.Dropout!(part.Module, dropped, dropped, pass.Tokens);
            dx.add_(dropped);
        }
        pass.Pool.Return(dropped);
    }
}
