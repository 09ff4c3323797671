using FineTuneService.Engine.Formats;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests;

internal static class TensorFile
{
    /// <summary>Every tensor of a safetensors file, copied.</summary>
    public static Dictionary<string, Tensor> Read(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Entries.Keys.ToDictionary(name => name, name =>
        {
            using Tensor mapped = file.Read(name);
            return mapped.clone();
        });
    }
}
