using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>The tensors that a config asks for, and whether files hold them: told by the files' headers, before anything is allocated.</summary>
internal static class Checkpoint
{
    /// <exception cref="ModelException">A tensor is missing, misshapen, of another type, or not part of the model.</exception>
    /// <exception cref="TensorFileException">A tensor holds NaN or infinity.</exception>
    public static void Check(ModelConfig config, ITensorSource files)
    {
        ModelSlots slots = config.Slots;
        NamedSource named = Named(config, slots, files);
        CheckHeaders(slots, named, files);
        // Last, since it reads the whole of them.
        foreach (Slot slot in slots.All) named.RefuseNonFinite(slot.Name);
    }

    /// <summary>The same without the values being read.</summary>
    public static void CheckHeaders(ModelConfig config, ITensorSource files)
    {
        ModelSlots slots = config.Slots;
        CheckHeaders(slots, Named(config, slots, files), files);
    }

    /// <summary>The files' tensors by the names of the model's slots.</summary>
    public static NamedSource Named(ModelConfig config, ModelSlots slots, ITensorSource files) => new(files, slots, config.Family.Prefix);

    private static void CheckHeaders(ModelSlots slots, NamedSource named, ITensorSource files)
    {
        var known = new HashSet<string>();
        foreach (Slot slot in slots.All)
        {
            Check(slot, named);
            known.Add(named.NameOf(slot.Name));
        }
        if (slots.HeadIsTied) known.UnionWith(slots.Head.Weights.Select(slot => named.NameOf(slot.Name))); // Some tied checkpoints store the copy.
        string[] extras = [.. files.Names.Where(name => !known.Contains(name) && !IsBuffer(name)).Order(StringComparer.Ordinal)];
        if (extras.Length > 0)
            throw new ModelException($"tensor {extras[0]} is not part of the model that config.json describes ({extras.Length} such tensors).");
    }

    private static void Check(Slot slot, NamedSource named)
    {
        StoredTensor stored = named.Find(slot.Name) ?? throw new ModelException($"tensor {slot.Name} is missing.");
        if (!stored.Shape.AsSpan().SequenceEqual(slot.Shape))
            throw new ModelException($"tensor {slot.Name} has shape [{string.Join(", ", stored.Shape)}]; config.json asks for [{string.Join(", ", slot.Shape)}].");
        if (stored.Dtype is not (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16))
            throw new ModelException($"tensor {slot.Name} is {stored.DtypeName}; weights must be F32, BF16 or F16.");
    }

    /// <summary>What old checkpoints stored although it follows from the config.</summary>
    private static bool IsBuffer(string name) =>
        Array.Exists([".rotary_emb.inv_freq", ".attn.bias", ".masked_bias", ".attention.bias"], end => name.EndsWith(end, StringComparison.Ordinal));
}
