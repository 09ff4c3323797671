using FineTuneService.Engine.Formats;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Weights;

/// <summary>
/// A checkpoint's tensors by the names and shapes of a model's slots, whatever the file calls them and however it stores them: with the family's
/// prefix or without it, and transposed.
/// </summary>
/// <param name="prefix">Goes before every name but the head's; published files have it everywhere or nowhere.</param>
internal sealed class NamedSource(ITensorSource files, ModelSlots slots, string prefix) : ITensorSource
{
    private readonly HashSet<string> _transposed = files.LinearsAreOutFirst ? [] : [.. slots.All.Where(slot => slot.Transposed).Select(slot => slot.Name)];

    public IReadOnlyCollection<string> Names => files.Names;

    /// <summary>The file's name of a slot's tensor.</summary>
    public string NameOf(string slot)
    {
        if (files.Find(slot) is not null) return slot;
        string other = slot.StartsWith(prefix, StringComparison.Ordinal) ? slot[prefix.Length..] : prefix + slot;
        return files.Find(other) is null ? slot : other;
    }

    public StoredTensor? Find(string name)
    {
        StoredTensor? stored = files.Find(NameOf(name));
        return stored is not null && IsTransposed(name) && stored.Shape.Length == 2 ? new StoredTensor(stored.Name, stored.Dtype, [stored.Shape[1], stored.Shape[0]]) : stored;
    }

    public Tensor Read(string name)
    {
        Tensor stored = files.Read(NameOf(name));
        return IsTransposed(name) ? stored.t() : stored;
    }

    public void CopyTo(string name, Tensor into)
    {
        if (!IsTransposed(name))
        {
            files.CopyTo(NameOf(name), into);
            return;
        }
        using Tensor values = files.Read(NameOf(name)), turned = values.t();
        into.copy_(turned);
    }

    public Tensor Blocks(string name) => files.Blocks(NameOf(name));

    public void RefuseNonFinite(string name) => files.RefuseNonFinite(NameOf(name));

    /// <summary>The files are their owner's.</summary>
    public void Dispose() { }

    private bool IsTransposed(string name) => _transposed.Contains(name);
}
