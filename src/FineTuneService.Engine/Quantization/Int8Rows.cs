using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>Rows of signed bytes with a scale each (bitsandbytes' int8_vectorwise_quant).</summary>
/// <param name="Codes">int8 [rows, columns].</param>
/// <param name="Absmax">fp32 [rows]: each row's absolute maximum, which code 127 stands for.</param>
/// <param name="Outliers">int64, ascending: columns that hold an outlier, whose codes are 0 in every row; null where none was looked for.</param>
internal sealed record Int8Rows(Tensor Codes, Tensor Absmax, Tensor? Outliers)
{
    private const float Most = 127;

    /// <summary>1 / 127², as bitsandbytes' CPU kernel has it: its CUDA kernels' 6.200012e-05 with a digit too many.</summary>
    private const float ProductScale = 6.200124e-05f;

    /// <param name="values">[rows, columns], rounded to fp16 first, whatever it is.</param>
    /// <param name="threshold">Absolute value from which on a number is an outlier; 0 where none is.</param>
    public static Int8Rows Quantize(Tensor values, float threshold = 0)
    {
        using var scope = NewDisposeScope();
        Tensor wide = values.to_type(ScalarType.Float16).to_type(ScalarType.Float32);
        Tensor? outliers = null, columns = null;
        if (threshold > 0)
        {
            Tensor apart = wide.abs().ge(threshold);
            wide = wide.masked_fill(apart, 0);
            columns = apart.any(0);
            outliers = columns.nonzero().flatten();
        }
        Tensor absmax = wide.abs().amax([1]);
        // 127 / absmax rounds twice in torch: the reciprocal, and its product. A row of zeros is 0 · ∞.
        Tensor codes = (wide * (absmax.reciprocal() * Most).unsqueeze(1)).round().nan_to_num(0);
        if (columns is not null) codes = codes.masked_fill(columns, 0);
        return new Int8Rows(codes.to_type(ScalarType.Int8).MoveToOuterDisposeScope(), absmax.MoveToOuterDisposeScope(), outliers?.MoveToOuterDisposeScope());
    }

    /// <summary>Writes codes · absmax / 127.</summary>
    /// <param name="values">[rows, columns] of any dtype, rounded once.</param>
    public static void Dequantize(Tensor codes, Tensor absmax, Tensor values)
    {
        using var scope = NewDisposeScope();
        values.copy_(codes.to_type(ScalarType.Float32).mul_(absmax.unsqueeze(1)).mul_(1 / Most));
    }

    /// <summary>What the products of codes stand for.</summary>
    /// <param name="products">[rows of left, rows of right] whole numbers in fp32, overwritten.</param>
    public static void Scale(Tensor products, Tensor leftAbsmax, Tensor rightAbsmax)
    {
        using var scope = NewDisposeScope();
        products.mul_(leftAbsmax.unsqueeze(1) * rightAbsmax.unsqueeze(0)).mul_(ProductScale);
    }
}
