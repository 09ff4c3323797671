using FineTuneService.Engine.Formats.Gguf.Blocks;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>Every type of ggml's that is read here: one line and one file each.</summary>
internal static class GgmlTypes
{
    public static readonly IReadOnlyList<GgmlType> All =
    [
        new(0, "F32", 1, 4, Plain.DecodeF32, Plain.EncodeF32),
        new(1, "F16", 1, 2, Plain.DecodeF16, Plain.EncodeF16),
        new(30, "BF16", 1, 2, Plain.DecodeBf16, Plain.EncodeBf16),
        new(2, "Q4_0", 32, 18, Q4.Decode0, Q4.Encode0),
        new(3, "Q4_1", 32, 20, Q4.Decode1, Q4.Encode1),
        new(6, "Q5_0", 32, 22, Q5.Decode0, Q5.Encode0),
        new(7, "Q5_1", 32, 24, Q5.Decode1, Q5.Encode1),
        new(8, "Q8_0", 32, 34, Q8.Decode, Q8.Encode),
        new(10, "Q2_K", 256, 84, Q2K.Decode),
        new(11, "Q3_K", 256, 110, Q3K.Decode),
        new(12, "Q4_K", 256, 144, Q4K.Decode),
        new(13, "Q5_K", 256, 176, Q5K.Decode),
        new(14, "Q6_K", 256, 210, Q6K.Decode),
        new(16, "IQ2_XXS", 256, 66, Iq2.DecodeXxs),
        new(17, "IQ2_XS", 256, 74, Iq2.DecodeXs),
        new(18, "IQ3_XXS", 256, 98, Iq3.DecodeXxs),
        new(19, "IQ1_S", 256, 50, Iq1.DecodeS),
        new(20, "IQ4_NL", 32, 18, Iq4.DecodeNl),
        new(21, "IQ3_S", 256, 110, Iq3.DecodeS),
        new(22, "IQ2_S", 256, 82, Iq2.DecodeS),
        new(23, "IQ4_XS", 256, 136, Iq4.DecodeXs),
        new(29, "IQ1_M", 256, 56, Iq1.DecodeM),
        new(34, "TQ1_0", 256, 54, Ternary.Decode1),
        new(35, "TQ2_0", 256, 66, Ternary.Decode2),
        new(39, "MXFP4", 32, 17, Fp4.DecodeMx),
        new(40, "NVFP4", 64, 36, Fp4.DecodeNv),
    ];

    private static readonly Dictionary<uint, GgmlType> s_byId = All.ToDictionary(type => type.Id);

    /// <exception cref="NotSupportedException">The type is not read here; the message names it.</exception>
    public static GgmlType Of(uint id) => s_byId.TryGetValue(id, out GgmlType? type) ? type
        : throw new NotSupportedException($"tensors of ggml type {id} are not supported");
}
