using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>
/// Scales in 8 bits (QLoRA, section 3): their mean is taken off, and blocks of 256 are stored as the signed <see cref="DynamicCode"/>
/// times the block's absolute maximum.
/// </summary>
internal sealed class DoubleQuantization : BlockScales
{
    public const int BlockSize = 256;

    private readonly RowMemory _codes, _absmax;
    private readonly float _offset;

    /// <summary>What was quantised here, or what another program stored, such as a checkpoint of bitsandbytes.</summary>
    /// <param name="codes">uint8 [blocks], a code for each scale.</param>
    /// <param name="absmax">fp32, one for each 256 scales (bitsandbytes' nested_absmax).</param>
    /// <param name="offset">fp32 [1], the scales' mean (nested_offset).</param>
    public DoubleQuantization(Tensor codes, Tensor absmax, Tensor offset)
    {
        (Codes, Absmax, Offset) = (codes.DetachFromDisposeScope(), absmax.DetachFromDisposeScope(), offset.DetachFromDisposeScope());
        if (codes.is_cpu()) (_codes, _absmax, _offset) = (new RowMemory(codes), new RowMemory(absmax), offset.item<float>());
    }

    public Tensor Codes { get; }

    public Tensor Absmax { get; }

    public Tensor Offset { get; }

    public override IEnumerable<Tensor> Tensors => [Codes, Absmax, Offset];

    /// <summary>Bytes of so many scales.</summary>
    public static long BytesOf(long scales) => scales + ((scales + BlockSize - 1) / BlockSize + 1) * sizeof(float);

    /// <param name="byTable">As bitsandbytes' CPU kernel rounds, and not to the nearest code.</param>
    public static DoubleQuantization Of(ReadOnlySpan<float> scales, bool byTable = false)
    {
        double sum = 0;
        foreach (float scale in scales) sum += scale;
        float offset = (float)(sum / scales.Length);
        var codes = new byte[scales.Length];
        var absmax = new float[(scales.Length + BlockSize - 1) / BlockSize];
        Span<float> differences = stackalloc float[BlockSize];
        for (int start = 0; start < scales.Length; start += BlockSize)
        {
            int length = Math.Min(BlockSize, scales.Length - start);
            for (int i = 0; i < length; i++) differences[i] = scales[start + i] - offset;
            absmax[start / BlockSize] = DynamicCode.Signed.QuantizeBlock(differences[..length], codes.AsSpan(start, length), whole: length == BlockSize, byTable);
        }
        return new DoubleQuantization(tensor(codes), tensor(absmax), tensor(new[] { offset }));
    }

    public override unsafe void Read(int first, Span<float> scales)
    {
        float[] values = DynamicCode.Signed.Values;
        byte* codes = _codes.Row<byte>(0) + first;
        float* absmax = _absmax.Row<float>(0);
        for (int i = 0; i < scales.Length; i++) scales[i] = values[codes[i]] * absmax[(first + i) / BlockSize] + _offset;
    }

    public override Tensor Values()
    {
        using var scope = NewDisposeScope();
        Tensor values = tensor(DynamicCode.Signed.Values, device: Codes.device).index_select(0, Codes.to_type(ScalarType.Int64));
        return (values * Absmax.repeat_interleave(BlockSize).narrow(0, 0, Codes.numel()) + Offset).MoveToOuterDisposeScope();
    }
}
