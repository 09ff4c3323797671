using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>
/// A GGUF file as transformers would know it: tensors under Hugging Face's names, with what llama.cpp's converter did to them undone (q and
/// k rows in halves, norms without the one), and a config.json made of its metadata.
/// </summary>
internal sealed class GgufCheckpoint : ITensorSource
{
    private readonly GgufFile _file;
    private readonly GgufLayout _layout;
    private readonly int _heads, _keyValueHeads;
    private readonly Dictionary<string, string> _ggufNames = new(StringComparer.Ordinal);

    private GgufCheckpoint(GgufFile file)
    {
        (_file, _layout) = (file, GgufLayout.Of(file.Metadata));
        _heads = file.Metadata.Whole(file.Metadata.Own("attention.head_count"), 1, 1 << 16) ?? throw file.Metadata.Refuse($"{file.Metadata.Own("attention.head_count")} is missing");
        if (file.Metadata.Whole("split.count", 0, 1 << 16) is > 1 and var parts) throw file.Metadata.Refuse($"it is one of {parts} parts of a model; put them together with llama-gguf-split --merge");
        _keyValueHeads = file.Metadata.Whole(file.Metadata.Own("attention.head_count_kv"), 1, 1 << 16) ?? _heads;
        foreach (string name in file.Names)
        {
            if (GgufConfig.IsRopeFactor(name)) continue;
            // What the family does not know keeps its name, so that whoever checks the model refuses it.
            _ggufNames[_layout.ToHuggingFace(name) ?? name] = name;
        }
        Config = GgufConfig.Of(file.Metadata, file, _layout);
    }

    /// <exception cref="GgufException">The file cannot be used, or its architecture is not supported.</exception>
    public static GgufCheckpoint Open(string path)
    {
        GgufFile file = GgufFile.Open(path);
        try
        {
            return new GgufCheckpoint(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public GgufMetadata Metadata => _file.Metadata;

    /// <summary>The text of its config.json.</summary>
    public string Config { get; }

    public IReadOnlyCollection<string> Names => _ggufNames.Keys;

    public StoredTensor? Find(string name) => _ggufNames.TryGetValue(name, out string? own) ? _file.Tensors[own] with { Name = name } : null;

    public Tensor Read(string name)
    {
        string own = _ggufNames[name];
        using var scope = NewDisposeScope();
        Tensor values = _file.Read(own);
        if (_layout.PairedHeads(own, _heads, _keyValueHeads) is { } heads) values = HeadRows.ToHalves(Divisible(own, values, heads), heads);
        if (_layout.IsPlusOne(own)) values = values - 1;
        return values.MoveToOuterDisposeScope();
    }

    public void CopyTo(string name, Tensor into)
    {
        string own = _ggufNames[name];
        if (_layout.PairedHeads(own, _heads, _keyValueHeads) is null && !_layout.IsPlusOne(own))
        {
            _file.CopyTo(own, into);
            return;
        }
        using Tensor values = Read(name);
        into.copy_(values.view_as(into));
    }

    public Tensor Blocks(string name)
    {
        string own = _ggufNames[name];
        if (_layout.IsPlusOne(own)) throw new NotSupportedException($"tensor {name} is not stored as transformers has it");
        using var scope = NewDisposeScope();
        Tensor blocks = _file.Blocks(own);
        if (_layout.PairedHeads(own, _heads, _keyValueHeads) is { } heads) blocks = HeadRows.ToHalves(Divisible(own, blocks, heads), heads);
        return blocks.MoveToOuterDisposeScope();
    }

    public void RefuseNonFinite(string name) => _file.RefuseNonFinite(_ggufNames[name]);

    public void Dispose() => _file.Dispose();

    private Tensor Divisible(string name, Tensor rows, int heads) => rows.shape[0] % (2 * heads) == 0 ? rows
        : throw Metadata.Refuse($"tensor {name} has {rows.shape[0]} rows, which {heads} heads do not divide into pairs");
}
