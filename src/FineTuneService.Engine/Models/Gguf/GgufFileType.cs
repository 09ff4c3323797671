using FineTuneService.Engine.Formats.Gguf;

namespace FineTuneService.Engine.Models.Gguf;

/// <summary>How the matrices of an exported file are stored (general.file_type); vectors are always F32.</summary>
public enum GgufFileType
{
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q8_0 = 7,
    BF16 = 32,
}

internal static class GgufFileTypes
{
    /// <summary>The ggml type of a tensor, as llama.cpp has it: a matrix whose rows are no whole blocks is F16; norms, routers and positions stay F32.</summary>
    /// <param name="name">GGUF's.</param>
    /// <param name="shape">Row-major.</param>
    public static GgmlType TypeOf(this GgufFileType file, string name, long[] shape)
    {
        GgmlType wanted = Named(file.ToString());
        if (shape.Length < 2 || name.EndsWith("_norm.weight", StringComparison.Ordinal) || name.EndsWith("ffn_gate_inp.weight", StringComparison.Ordinal) || name == "position_embd.weight")
            return Named("F32");
        return shape[^1] % wanted.Values == 0 ? wanted : Named("F16");
    }

    private static GgmlType Named(string name) => GgmlTypes.All.First(type => type.Name == name);
}
