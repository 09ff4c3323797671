using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Torch;

/// <summary>Makes safetensors of a file of torch.save, so that whoever comes after reads one format.</summary>
public static class TorchConversion
{
    private const int LargestRatio = 4;

    /// <exception cref="TensorFileException">The file cannot be used.</exception>
    public static void ToSafetensors(string path, string safetensors)
    {
        using var scope = NewDisposeScope();
        using TorchFile file = TorchFile.Open(path);
        // Tensors may share a storage, and safetensors writes each apart: a small file could become a very large one.
        if (file.Entries.Values.Sum(tensor => (double)tensor.Bytes) > LargestRatio * FolderFile.Length(path))
            throw new TorchException($"{Path.GetFileName(path)} is not a usable PyTorch file: its tensors share their values; save them as safetensors.");
        SafetensorsWriter.Write(safetensors, file.Names.Select(name => KeyValuePair.Create(name, file.Read(name))));
    }
}
