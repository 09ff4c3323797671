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
        foreach (LoraLayoutEntry entry in layout.Entries) _joined.Add(entry.Key, JoinedLora.View(Flat, entry));
    }

    public LoraLayout Layout { get; }

    /// <summary>[length]: everything.</summary>
    public Tensor Flat { get; }

    /// <summary>Every A and B by module name, in the order of the buffer.</summary>
    public IEnumerable<JoinedLoraPart> Parts => Layout.Entries.SelectMany(entry => _joined[entry.Key].Parts);

    /// <summary>The matrices on a layer, or null where it is not targeted.</summary>
    public JoinedLora? Of(LinearWeight linear) => _joined.GetValueOrDefault(linear.Parts[0].Module);

    public void Dispose()
    {
        foreach (JoinedLora joined in _joined.Values) joined.Dispose();
        Flat.Dispose();
    }
}

/// <summary>The low-rank matrices on one joined linear layer.</summary>
/// <param name="A">[parts·rank, in]: the parts' A one under the other.</param>
internal sealed record JoinedLora(Tensor A, IReadOnlyList<JoinedLoraPart> Parts) : IDisposable
{
    public static JoinedLora View(Tensor flat, LoraLayoutEntry entry)
    {
        using var scope = NewDisposeScope();
        Tensor Slice(long offset, long rows, long columns) =>
            flat.narrow(0, offset, rows * columns).view(rows, columns).DetachFromDisposeScope();

        var parts = new List<JoinedLoraPart>();
        long b = entry.Offset + entry.LengthOfA;
        for (int i = 0; i < entry.Parts.Count; i++)
        {
            LinearPart part = entry.Parts[i];
            Tensor partA = Slice(entry.Offset + (long)i * entry.Rank * entry.In, entry.Rank, entry.In);
            parts.Add(new JoinedLoraPart(part.Module, part.Offset, part.Out, i * entry.Rank, entry.Rank, partA, Slice(b, part.Out, entry.Rank)));
            b += (long)part.Out * entry.Rank;
        }
        return new JoinedLora(Slice(entry.Offset, (long)parts.Count * entry.Rank, entry.In), parts);
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

/// <param name="OutOffset">First of the part's outputs in the joined layer.</param>
/// <param name="RankOffset">First of the part's rows in the joined A.</param>
/// <param name="A">[rank, in].</param>
/// <param name="B">[out, rank].</param>
internal sealed record JoinedLoraPart(string Module, int OutOffset, int Out, int RankOffset, int Rank, Tensor A, Tensor B);
