namespace FineTuneService.Engine.Formats;

/// <summary>A safetensors file (https://github.com/huggingface/safetensors), memory mapped.</summary>
internal sealed class SafetensorsFile : MappedTensors
{
    private SafetensorsFile(string path, Dictionary<string, FileTensor> entries)
        : base(path, entries, message => new SafetensorsException(message)) { }

    /// <exception cref="SafetensorsException">The file is truncated, or its header does not describe it.</exception>
    public static SafetensorsFile Open(string path) => new(path, SafetensorsHeader.Read(path));
}
