using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats;

/// <summary>
/// A model's tensors, in one model.safetensors or sharded behind model.safetensors.index.json. As in transformers, the single file
/// goes before an index that lies beside it.
/// </summary>
internal sealed class ModelFiles : ITensorSource
{
    private const string SingleFile = "model.safetensors", IndexFile = "model.safetensors.index.json";

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _fileOf = [];

    private ModelFiles() { }

    public IReadOnlyCollection<string> Names => _fileOf.Keys;

    /// <exception cref="SafetensorsException">No weights are there, a shard is missing, or a file cannot be used.</exception>
    public static ModelFiles Open(string folder)
    {
        var files = new ModelFiles();
        try
        {
            foreach (string name in FileNames(folder)) files.Add(folder, name);
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    public StoredTensor? Find(string name) => _fileOf.GetValueOrDefault(name)?.Find(name);

    /// <summary>The tensor in the file's dtype, mapped; the caller's, and no longer alive than this.</summary>
    public Tensor Read(string name) => _fileOf[name].Read(name);

    /// <exception cref="SafetensorsException">The tensor holds NaN or infinity.</exception>
    public void RefuseNonFinite(string name) => _fileOf[name].RefuseNonFinite(name);

    public void Dispose() => _files.ForEach(file => file.Dispose());

    private void Add(string folder, string name)
    {
        if (FolderFile.Problem(folder, name) is { } problem) throw new SafetensorsException(problem + ".");
        if (!FolderFile.Exists(folder, name)) throw new SafetensorsException($"{name} is missing.");
        SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, name));
        _files.Add(file);
        foreach (string tensor in file.Entries.Keys)
        {
            if (!_fileOf.TryAdd(tensor, file)) throw new SafetensorsException($"tensor {tensor} is in two files.");
        }
    }

    private static IEnumerable<string> FileNames(string folder)
    {
        // A link that leads nowhere is the single file all the same: an index beside it may be of other weights.
        if (FolderFile.Exists(folder, SingleFile) || FolderFile.Problem(folder, SingleFile) is not null) return [SingleFile];
        if (FolderFile.Problem(folder, IndexFile) is { } problem) throw new SafetensorsException(problem + ".");
        if (!FolderFile.Exists(folder, IndexFile)) return [SingleFile];
        JsonSettings index = JsonSettings.Parse(File.ReadAllText(Path.Combine(folder, IndexFile)), IndexFile, message => new SafetensorsException(message));
        if (index.Object("weight_map") is not { } map) throw new SafetensorsException($"{IndexFile} has no weight_map.");
        string[] names = [.. map.Names.Select(tensor => map.Text(tensor) ?? "").Distinct().Order(StringComparer.Ordinal)];
        string? outside = Array.Find(names, name => name.Length == 0 || name != Path.GetFileName(name) || name is "." or "..");
        return outside is null ? names : throw new SafetensorsException($"{IndexFile} names '{outside}', which is not a file beside it.");
    }
}
