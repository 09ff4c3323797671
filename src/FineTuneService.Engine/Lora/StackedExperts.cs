using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>
/// The pairs of a layer's experts on one parameter, as PEFT's files hold them together: A [experts · rank, in], one expert's after the other, and
/// B [out, rank · experts], in which the experts follow each other within each rank.
/// </summary>
/// <param name="Module">What PEFT has them on: the module, or, where another parameter of it is a target too, its base_layer.</param>
/// <param name="Experts">Here each is a module of its own.</param>
internal sealed record StackedExperts(string Module, IReadOnlyList<AdaptedModule> Experts)
{
    public IEnumerable<string> OwnKeys => Experts.SelectMany(expert => expert.Views).Select(entry => entry.Key);

    public IEnumerable<(string Key, long[] Shape)> Shapes
    {
        get
        {
            AdaptedModule one = Experts[0];
            yield return (PeftKeys.A(Module), [Experts.Count * one.Rank, one.A.Shape[1]]);
            yield return (PeftKeys.B(Module), [one.B.Shape[0], Experts.Count * one.Rank]);
        }
    }

    /// <param name="own">A tensor by its own name here.</param>
    public IEnumerable<KeyValuePair<string, Tensor>> Join(IReadOnlyDictionary<string, Tensor> own)
    {
        yield return KeyValuePair.Create(PeftKeys.A(Module), cat([.. Experts.Select(expert => own[PeftKeys.A(expert.Part.Module)])], 0));
        yield return KeyValuePair.Create(PeftKeys.B(Module), stack([.. Experts.Select(expert => own[PeftKeys.B(expert.Part.Module)])], 2).flatten(1));
    }

    /// <param name="flat">Takes them.</param>
    public void Split(Tensor a, Tensor b, Tensor flat)
    {
        Tensor byExpert = b.view(b.shape[0], -1, Experts.Count);
        foreach ((int i, AdaptedModule expert) in Experts.Index())
        {
            expert.A.In(flat).copy_(a.narrow(0, (long)i * expert.Rank, expert.Rank));
            expert.B.In(flat).copy_(byExpert.select(2, i));
        }
    }
}
