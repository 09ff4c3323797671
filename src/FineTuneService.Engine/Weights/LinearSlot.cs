namespace FineTuneService.Engine.Weights;

/// <summary>A module of the checkpoint that is part of a joined linear layer.</summary>
/// <param name="Module">Its name, such as model.layers.0.self_attn.q_proj.</param>
/// <param name="Offset">First of its outputs in the joined layer.</param>
internal sealed record LinearPart(string Module, int Offset, int Out);

/// <summary>A linear layer of the decoder: several modules of a checkpoint where they are joined by rows into one product (q, k, v; gate, up).</summary>
internal sealed record LinearSlot(int In, IReadOnlyList<LinearPart> Parts)
{
    /// <summary>Each part has one.</summary>
    public bool Bias { get; init; }

    /// <summary>The file stores [in, out].</summary>
    public bool Transposed { get; init; }

    /// <summary>The vocabulary's layer, and routers: small or decisive, and so never quantised.</summary>
    public bool StaysDense { get; init; }

    /// <summary>PEFT's all-linear takes it: every linear layer but the head.</summary>
    public bool IsHead { get; init; }

    public int Out => Parts[^1].Offset + Parts[^1].Out;

    /// <summary>A layer of these modules, each with so many outputs, one after the other.</summary>
    public static LinearSlot Of(int inputs, params IEnumerable<(string Module, int Out)> modules)
    {
        var parts = new List<LinearPart>();
        foreach ((string module, int outputs) in modules) parts.Add(new LinearPart(module, parts.Count == 0 ? 0 : parts[^1].Offset + parts[^1].Out, outputs));
        return new LinearSlot(inputs, parts);
    }

    /// <summary>Weights, then biases.</summary>
    public IEnumerable<Slot> Slots => [.. Weights, .. Biases];

    public IEnumerable<Slot> Weights => Parts.Select(part => new Slot(part.Module + ".weight", SlotKind.Linear, [part.Out, In]) { Transposed = Transposed });

    public IEnumerable<Slot> Biases => Bias ? Parts.Select(part => new Slot(part.Module + ".bias", SlotKind.Bias, [part.Out])) : [];
}
