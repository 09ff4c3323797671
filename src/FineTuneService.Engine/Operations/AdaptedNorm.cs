using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Norms whose weight or bias is an adapter's own.</summary>
internal static class AdaptedNorm
{
    /// <summary>The norm's parameters for all rows: an adapter's where one has all rows, as in training; otherwise the base's.</summary>
    public static NormWeight Of(NormWeight norm, ScalarType dtype, long rows, Pass pass) =>
        pass.Adapters is [var only] && only.Count == rows && only.Adapter.Compute(dtype).Of(norm) is { } own ? Replace(norm, own) : norm;

    /// <summary>Of several adapters' rows: writes those anew that have parameters of their own.</summary>
    /// <param name="x">[tokens, width].</param>
    public static void Rows(NormWeight norm, Tensor x, Tensor output, Tensor statistics, Pass pass)
    {
        foreach (AdapterRows rows in pass.Adapters)
        {
            if (rows.Count == x.shape[0] || rows.Adapter.Compute(x.dtype).Of(norm) is not { } own) continue;
            NormRows.Forward(
                Replace(norm, own), x.narrow(0, rows.Start, rows.Count), output.narrow(0, rows.Start, rows.Count), statistics.narrow(0, rows.Start, rows.Count));
        }
    }

    /// <summary>Where the gradients by its parameters go; null: they are frozen.</summary>
    public static (Tensor? Weight, Tensor? Bias) Gradients(NormWeight norm, Pass pass) => pass.Gradients?.Lora is { } lora
        ? (lora.Of(norm)?.Weight, lora.Of(norm)?.Bias) : (pass.Gradients?.Of(norm.Weight), pass.Gradients?.Of(norm.Bias));

    private static NormWeight Replace(NormWeight norm, ReplacedPart own) => norm with { Weight = own.Weight ?? norm.Weight, Bias = own.Bias ?? norm.Bias };
}
