using System.Text.Json;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats;

/// <summary>A model's tensors, in one model.safetensors or sharded behind model.safetensors.index.json.</summary>
internal sealed class ModelFiles : IDisposable
{
    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _fileOf = [];

    private ModelFiles() { }

    public IEnumerable<string> Names => _fileOf.Keys;

    /// <exception cref="SafetensorsException">No weights are there, a shard is missing, or a file cannot be used.</exception>
    public static ModelFiles Open(string folder)
    {
        var files = new ModelFiles();
        try
        {
            foreach (string name in FileNames(folder)) files.Add(Path.Combine(folder, name));
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    public SafetensorsEntry? Find(string name) => _fileOf.GetValueOrDefault(name)?.Entries[name];

    /// <summary>The tensor in the file's dtype, mapped; the caller's, and no longer alive than this.</summary>
    public Tensor Read(string name) => _fileOf[name].Read(name);

    public void Dispose() => _files.ForEach(file => file.Dispose());

    private void Add(string path)
    {
        if (!File.Exists(path)) throw new SafetensorsException($"{Path.GetFileName(path)} is missing.");
        SafetensorsFile file = SafetensorsFile.Open(path);
        _files.Add(file);
        foreach (string name in file.Entries.Keys)
        {
            if (!_fileOf.TryAdd(name, file)) throw new SafetensorsException($"tensor {name} is in two files.");
        }
    }

    private static IEnumerable<string> FileNames(string folder)
    {
        string index = Path.Combine(folder, "model.safetensors.index.json");
        if (!File.Exists(index)) return ["model.safetensors"];
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(index));
        if (!json.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
            throw new SafetensorsException("model.safetensors.index.json has no weight_map.");
        string[] names = [.. map.EnumerateObject().Select(shard => shard.Value.GetString() ?? "").Distinct().Order(StringComparer.Ordinal)];
        string? outside = Array.Find(names, name => name.Length == 0 || name != Path.GetFileName(name));
        return outside is null ? names : throw new SafetensorsException($"model.safetensors.index.json names '{outside}', which is not a file beside it.");
    }
}
