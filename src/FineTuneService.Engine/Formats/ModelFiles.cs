using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Formats.Torch;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats;

/// <summary>
/// A model's tensors, in one model.safetensors or sharded behind model.safetensors.index.json, or else in PyTorch's pytorch_model.bin, one
/// or sharded, or else in a GGUF file. As in transformers, the single file goes before an index that lies beside it, and safetensors before
/// pickles.
/// </summary>
internal sealed class ModelFiles : ITensorSource
{
    private static readonly FileKind[] s_kinds =
    [
        new("model.safetensors", "model.safetensors.index.json", SafetensorsFile.Open, message => new SafetensorsException(message)),
        new("pytorch_model.bin", "pytorch_model.bin.index.json", TorchFile.Open, message => new TorchException(message)),
    ];

    private readonly List<ITensorSource> _files = [];
    private readonly Dictionary<string, ITensorSource> _fileOf = [];

    private ModelFiles() { }

    public bool LinearsAreOutFirst => _files.Exists(file => file.LinearsAreOutFirst);

    public IReadOnlyCollection<string> Names => _fileOf.Keys;

    /// <param name="folder">The model's, or the path of a GGUF file.</param>
    /// <exception cref="TensorFileException">No weights are there, a shard is missing, or a file cannot be used.</exception>
    public static ModelFiles Open(string folder)
    {
        var files = new ModelFiles();
        try
        {
            if (GgufPath.Of(folder) is { } gguf)
            {
                files.Add(GgufCheckpoint.Open(gguf), message => new GgufException(message));
                return files;
            }
            (FileKind kind, IEnumerable<string> names) = Found(folder);
            foreach (string name in names) files.Add(folder, name, kind);
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

    public void CopyTo(string name, Tensor into) => _fileOf[name].CopyTo(name, into);

    public Tensor Blocks(string name) => _fileOf[name].Blocks(name);

    /// <exception cref="TensorFileException">The tensor holds NaN or infinity.</exception>
    public void RefuseNonFinite(string name) => _fileOf[name].RefuseNonFinite(name);

    public void Dispose() => _files.ForEach(file => file.Dispose());

    private void Add(string folder, string name, FileKind kind)
    {
        if (FolderFile.Problem(folder, name) is { } problem) throw kind.Refuse(problem + ".");
        if (!FolderFile.Exists(folder, name)) throw kind.Refuse($"{name} is missing.");
        Add(kind.Open(Path.Combine(folder, name)), kind.Refuse);
    }

    private void Add(ITensorSource file, Func<string, Exception> refuse)
    {
        _files.Add(file);
        foreach (string tensor in file.Names)
        {
            if (!_fileOf.TryAdd(tensor, file)) throw refuse($"tensor {tensor} is in two files.");
        }
    }

    /// <summary>Whether a folder has weights that are no GGUF file.</summary>
    public static bool HasOther(string folder) => s_kinds.Any(kind => Has(folder, kind.Single) || Has(folder, kind.Index));

    /// <summary>A link that leads nowhere is the file all the same: one beside it may be of other weights.</summary>
    private static bool Has(string folder, string name) => FolderFile.Exists(folder, name) || FolderFile.Problem(folder, name) is not null;

    /// <summary>Which kind of files the folder has, and their names.</summary>
    private static (FileKind Kind, IEnumerable<string> Names) Found(string folder)
    {
        foreach (FileKind kind in s_kinds)
        {
            if (Has(folder, kind.Single)) return (kind, [kind.Single]);
            if (FolderFile.Problem(folder, kind.Index) is { } problem) throw kind.Refuse(problem + ".");
            if (FolderFile.Exists(folder, kind.Index)) return (kind, Shards(folder, kind));
        }
        return (s_kinds[0], [s_kinds[0].Single]);
    }

    private static string[] Shards(string folder, FileKind kind)
    {
        JsonSettings index = JsonSettings.Parse(File.ReadAllText(Path.Combine(folder, kind.Index)), kind.Index, kind.Refuse);
        if (index.Object("weight_map") is not { } map) throw kind.Refuse($"{kind.Index} has no weight_map.");
        string[] names = [.. map.Names.Select(tensor => map.Text(tensor) ?? "").Distinct().Order(StringComparer.Ordinal)];
        string? outside = Array.Find(names, name => name.Length == 0 || name != Path.GetFileName(name) || name is "." or "..");
        return outside is null ? names : throw kind.Refuse($"{kind.Index} names '{outside}', which is not a file beside it.");
    }

    private sealed record FileKind(string Single, string Index, Func<string, ITensorSource> Open, Func<string, Exception> Refuse);
}
