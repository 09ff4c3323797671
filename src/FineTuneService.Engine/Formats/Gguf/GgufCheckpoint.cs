using System.Globalization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>
/// A GGUF file as transformers would know it: tensors under Hugging Face's names, with what llama.cpp's converter did to them undone (rows in
/// transformers' order, norms without the one, stacked tensors apart), and a config.json made of its metadata.
/// </summary>
internal sealed class GgufCheckpoint : ITensorSource
{
    private const int MostParts = 4096;

    private readonly GgufFile _file;
    private readonly GgufLayout _layout;
    private readonly HeadCounts _heads;
    private readonly Dictionary<string, GgufTensor> _tensors = new(StringComparer.Ordinal);

    private GgufCheckpoint(GgufFile file)
    {
        (_file, _layout, _heads) = (file, GgufLayouts.Of(file.Metadata, file.Names), GgufConfig.Heads(file.Metadata));
        if (file.Metadata.Whole("split.count", 0, 1 << 16) is > 1 and var parts) throw file.Metadata.Refuse($"it is one of {parts} parts of a model; put them together with llama-gguf-split --merge");
        foreach (GgufTensor tensor in file.Tensors.Values.Where(tensor => !GgufRope.IsFactor(tensor.Name)))
        {
            // What the family does not know keeps its name, so that whoever checks the model refuses it.
            string name = _layout.ToHuggingFace(tensor.Name) ?? tensor.Name;
            if (!name.Contains("{0}", StringComparison.Ordinal)) _tensors[name] = tensor;
            else AddParts(name, tensor);
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

    public bool LinearsAreOutFirst => true;

    public IReadOnlyCollection<string> Names => _tensors.Keys;

    public StoredTensor? Find(string name) => _tensors.TryGetValue(name, out GgufTensor? own) ? own with { Name = name } : null;

    public Tensor Read(string name)
    {
        GgufTensor own = _tensors[name];
        using var scope = NewDisposeScope();
        Tensor values = Ordered(own, _file.Read(own));
        if (_layout.IsPlusOne(own.Name)) values = values - 1;
        return values.MoveToOuterDisposeScope();
    }

    public void CopyTo(string name, Tensor into)
    {
        GgufTensor own = _tensors[name];
        if (_layout.OrderOf(own.Name) is null && !_layout.IsPlusOne(own.Name))
        {
            _file.CopyTo(own, into);
            return;
        }
        using Tensor values = Read(name);
        into.copy_(values.view_as(into));
    }

    public Tensor Blocks(string name)
    {
        GgufTensor own = _tensors[name];
        if (_layout.IsPlusOne(own.Name)) throw new NotSupportedException($"tensor {name} is not stored as transformers has it");
        using var scope = NewDisposeScope();
        return Ordered(own, _file.Blocks(own)).MoveToOuterDisposeScope();
    }

    public void RefuseNonFinite(string name) => _file.RefuseNonFinite(_tensors[name]);

    public void Dispose() => _file.Dispose();

    private void AddParts(string pattern, GgufTensor tensor)
    {
        if (tensor.Shape.Length < 2 || tensor.Shape[0] is < 1 or > MostParts)
            throw Metadata.Refuse($"tensor {tensor.Name} has shape [{string.Join(", ", tensor.Shape)}], whose first dimension must count at most {MostParts} tensors");
        for (int i = 0; i < tensor.Shape[0]; i++) _tensors[string.Format(CultureInfo.InvariantCulture, pattern, i)] = tensor.Part(i);
    }

    private Tensor Ordered(GgufTensor tensor, Tensor rows)
    {
        if (_layout.OrderOf(tensor.Name) is not { } order) return rows;
        return order.Fits(rows.shape[0], _heads) ? order.ToHuggingFace(rows, _heads)
            : throw Metadata.Refuse($"tensor {tensor.Name} has {rows.shape[0]} rows, which {_heads.Query} heads ({_heads.KeyValue} of keys) do not divide");
    }
}
