using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Lora;

/// <summary>
/// PEFT's target_parameters on a mixture of experts. transformers holds the weights of a layer's experts in two parameters, gate_up_proj
/// [experts, 2 · width, hidden], the gate's rows first, and down_proj [experts, hidden, width]; here each expert has two linear layers.
/// </summary>
internal sealed class ExpertParameters
{
    private const string GateUp = "gate_up_proj", Down = "down_proj";

    private readonly Dictionary<LinearSlot, (LinearPart Part, LoraSettings Settings)> _chosen = new(ReferenceEqualityComparer.Instance);
    private readonly List<(string Module, IReadOnlyList<LinearPart> Experts)> _stacks = [];

    public ExpertParameters(ModelSlots model, LoraTargets targets)
    {
        foreach (ExpertSlots layer in model.Layers.Select(layer => layer.Experts).OfType<ExpertSlots>())
        {
            LoraSettings? up = targets.ForParameter($"{layer.Module}.{GateUp}"), down = targets.ForParameter($"{layer.Module}.{Down}");
            // PEFT wraps a module once for each parameter, in the order in which it has them: the first lies inside.
            if (up is { } first) Add(down is null ? layer.Module : layer.Module + ".base_layer", layer, GateUp, [.. layer.Experts.Select(expert => expert.Up)], first);
            if (down is { } second) Add(layer.Module, layer, Down, [.. layer.Experts.Select(expert => expert.Down)], second);
        }
    }

    /// <summary>An expert's layer with the matrices that it gets, or null.</summary>
    public (LinearPart Part, LoraSettings Settings)? Find(LinearSlot linear) => _chosen.TryGetValue(linear, out (LinearPart, LoraSettings) chosen) ? chosen : null;

    /// <summary>What has been laid out, together again.</summary>
    public IEnumerable<StackedExperts> Stacked(IReadOnlyList<AdaptedLayer> layers)
    {
        if (_stacks.Count == 0) return [];
        Dictionary<string, AdaptedModule> modules = layers.SelectMany(layer => layer.Modules).ToDictionary(module => module.Part.Module);
        return _stacks.Select(stack => new StackedExperts(stack.Module, [.. stack.Experts.Select(part => modules[part.Module])]));
    }

    private void Add(string module, ExpertSlots layer, string parameter, IReadOnlyList<LinearSlot> linears, LoraSettings settings)
    {
        LinearPart[] parts = [.. linears.Select((linear, i) => new LinearPart($"{layer.Module}.{i}.{parameter}", 0, linear.Out))];
        foreach ((LinearSlot linear, LinearPart part) in linears.Zip(parts)) _chosen.Add(linear, (part, settings));
        _stacks.Add((module, parts));
    }
}
