using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Lora;

/// <summary>
/// Where an adapter's tensors lie in its one contiguous buffer: all A, then all B. It follows from the model's slots and the config alone, so
/// all adapters of one shape share it, and what an adapter holds can be counted before it exists.
/// </summary>
internal sealed class LoraLayout
{
    private LoraLayout(IReadOnlyList<AdaptedLayer> layers, long length) => (Layers, Length) = (layers, length);

    /// <summary>One for each targeted linear layer of the decoder; layers that are one product (q, k, v; gate, up) are one entry.</summary>
    public IReadOnlyList<AdaptedLayer> Layers { get; }

    /// <summary>Elements of the buffer: the adapter's parameters.</summary>
    public long Length { get; }

    /// <summary>Every tensor, by its name in PEFT's files.</summary>
    public IEnumerable<(string Key, View View)> Views => Layers.SelectMany(layer => layer.Modules).SelectMany(module => module.Views);

    /// <param name="model">Its linear layers, as the decoder joins them.</param>
    /// <exception cref="ArgumentException">A target matches no layer, or the config is not one that can be trained.</exception>
    public static LoraLayout Of(ModelSlots model, LoraConfig config)
    {
        var targets = new LoraTargets(config);
        LoraLayout layout = Of(model, config, targets);
        targets.RequireAllMatched();
        return layout;
    }

    /// <summary>The same of those targets that the model has; there may be none.</summary>
    public static LoraLayout OfMatching(ModelSlots model, LoraConfig config) => Of(model, config, new LoraTargets(config));

    private static LoraLayout Of(ModelSlots model, LoraConfig config, LoraTargets targets)
    {
        LoraRules.Require(config);
        List<TargetedLayer> chosen = [];
        foreach (LinearSlot linear in model.Linears)
        {
            if (linear is { StaysDense: true, IsHead: false }) continue; // A router's choice is the base's.
            var parts = new List<(LinearPart, LoraSettings)>();
            foreach (LinearPart part in linear.Parts)
            {
                if (targets.For(part.Module, linear.IsHead) is { } settings) parts.Add((part, settings));
            }
            if (parts.Count > 0) chosen.Add(new TargetedLayer(linear, parts));
        }
        long a = 0, b = chosen.Sum(layer => layer.LengthOfA);
        AdaptedLayer[] layers = [.. chosen.Select(layer => layer.Place(ref a, ref b))];
        return new LoraLayout(layers, b);
    }

    private sealed record TargetedLayer(LinearSlot Linear, List<(LinearPart Part, LoraSettings Settings)> Parts)
    {
        public long LengthOfA => Parts.Sum(part => (long)part.Settings.Rank) * Linear.In;

        /// <summary>The layer with its A from one place on and its B from another, which move past them.</summary>
        public AdaptedLayer Place(ref long a, ref long b)
        {
            var modules = new List<AdaptedModule>();
            var joined = new View(a, [Parts.Sum(part => (long)part.Settings.Rank), Linear.In]);
            int rankOffset = 0;
            foreach ((LinearPart part, LoraSettings settings) in Parts)
            {
                var module = new AdaptedModule(
                    part, rankOffset, settings.Rank, settings.Scaling, new View(a, [settings.Rank, Linear.In]), new View(b, [part.Out, settings.Rank]));
                modules.Add(module);
                (a, b, rankOffset) = (a + module.A.Length, b + module.B.Length, rankOffset + settings.Rank);
            }
            return new AdaptedLayer(Linear.Parts[0].Module, joined, modules) { Transposed = Linear.Transposed };
        }
    }
}

/// <summary>The matrices of one joined layer.</summary>
/// <param name="Key">Module of the joined layer's first part, targeted or not.</param>
/// <param name="A">[ranks, in]: the modules' A one under the other.</param>
internal sealed record AdaptedLayer(string Key, View A, IReadOnlyList<AdaptedModule> Modules)
{
    /// <summary>The base stores its weights [in, out] (PEFT's fan_in_fan_out); A and B have their usual shapes.</summary>
    public bool Transposed { get; init; }
}

/// <summary>The matrices of one module of a checkpoint.</summary>
/// <param name="Part">The module, and its outputs in the joined layer.</param>
/// <param name="RankOffset">First of its rows in the joined A.</param>
/// <param name="A">[rank, in].</param>
/// <param name="B">[out, rank].</param>
internal sealed record AdaptedModule(LinearPart Part, int RankOffset, int Rank, double Scaling, View A, View B)
{
    public IEnumerable<(string Key, View View)> Views => [(PeftKeys.A(Part.Module), A), (PeftKeys.B(Part.Module), B)];
}
