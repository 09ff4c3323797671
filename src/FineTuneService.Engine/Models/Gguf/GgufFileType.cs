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
    /// <summary>The ggml type of a tensor: a matrix whose rows are no whole blocks is F16, as llama.cpp has it.</summary>
    /// <param name="shape">Row-major.</param>
    public static GgmlType TypeOf(this GgufFileType file, long[] shape)
    {
        GgmlType wanted = Named(file.ToString());
        if (shape.Length < 2) return Named("F32");
        return shape[^1] % wanted.Values == 0 ? wanted : Named("F16");
    }

    private static GgmlType Named(string name) => GgmlTypes.All.First(type => type.Name == name);
}
