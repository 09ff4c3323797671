using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>Tensors that are about to be written, as what a reader of the file will find.</summary>
internal sealed class GgufOutputs(IReadOnlyCollection<GgufOutput> outputs) : ITensorSource
{
    private readonly Dictionary<string, GgufOutput> _byName = outputs.ToDictionary(output => output.Name);

    public IReadOnlyCollection<string> Names => _byName.Keys;

    public StoredTensor? Find(string name) => _byName.TryGetValue(name, out GgufOutput? output) ? new GgufTensor(name, output.Type, output.Shape, 0) : null;

    /// <summary>Of a tensor that is made in one part.</summary>
    public Tensor Read(string name) => _byName[name].Parts[0]();

    public void RefuseNonFinite(string name) { }

    public void Dispose() { }
}
