using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>A buffer in an adapter's layout, and views of its matrices: the weights, their copy in the compute dtype, or their gradients.</summary>
internal sealed class LoraTensors : IDisposable
{
    private readonly Dictionary<string, JoinedLora> _joined = [];

    /// <param name="layout">Decides the length of the buffer.</param>
    public LoraTensors(LoraLayout layout, ScalarType dtype, Device device)
    {
        Layout = layout;
        Flat = zeros([layout.Length], dtype, device).DetachFromDisposeScope();
        foreach (AdaptedLayer layer in layout.Layers) _joined.Add(layer.Key, JoinedLora.View(Flat, layer));
    }

    public LoraLayout Layout { get; }

    /// <summary>[length]: everything.</summary>
    public Tensor Flat { get; }

    /// <summary>Every A and B by module name, in the order of the model.</summary>
    public IEnumerable<JoinedLoraPart> Parts => Layout.Layers.SelectMany(layer => _joined[layer.Key].Parts);

    /// <summary>The matrices on a layer, or null where it is not targeted.</summary>
    public JoinedLora? Of(LinearWeight linear) => _joined.GetValueOrDefault(linear.Parts[0].Module);

    public void Dispose()
    {
        foreach (JoinedLora joined in _joined.Values) joined.Dispose();
        Flat.Dispose();
    }
}

/// <summary>The low-rank matrices on one joined linear layer.</summary>
/// <param name="A">[ranks, in]: the parts' A one under the other.</param>
internal sealed record JoinedLora(Tensor A, IReadOnlyList<JoinedLoraPart> Parts) : IDisposable
{
    public static JoinedLora View(Tensor flat, AdaptedLayer layer)
    {
        Tensor Kept(View view) => view.In(flat).DetachFromDisposeScope();
        return new(Kept(layer.A), [.. layer.Modules.Select(module => new JoinedLoraPart(module, Kept(module.A), Kept(module.B)))]);
    }

    public void Dispose()
    {
        A.Dispose();
        foreach (JoinedLoraPart part in Parts)
        {
            part.A.Dispose();
            part.B.Dispose();
        }
    }
}

/// <param name="Place">What it is of, and where.</param>
/// <param name="A">[rank, in].</param>
/// <param name="B">[out, rank].</param>
internal sealed record JoinedLoraPart(AdaptedModule Place, Tensor A, Tensor B)
{
    public string Module => Place.Part.Module;

    /// <summary>First of the part's outputs in the joined layer.</summary>
    public int OutOffset => Place.Part.Offset;

    public int Out => Place.Part.Out;

    /// <summary>First of the part's rows in the joined A.</summary>
    public int RankOffset => Place.RankOffset;

    public int Rank => Place.Rank;

    public double Scaling => Place.Scaling;
}
