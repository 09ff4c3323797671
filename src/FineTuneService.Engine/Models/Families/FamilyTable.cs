namespace FineTuneService.Engine.Models.Families;

/// <summary>The families that the decoder computes: one file each beside this one, and one line here.</summary>
internal static class FamilyTable
{
    public static readonly IReadOnlyList<Family> All =
    [
        Llama.Family, Mistral.Family, Mixtral.Family, Qwen2.Family, Qwen3.Family, Qwen3Moe.Family, Gemma.Family, Gemma2.Family, Gemma3.Family, Phi.Family,
        Phi3.Family, Falcon.Family, GptNeoX.Family, Gpt2.Family, Olmo2.Family, StableLm.Family, StarCoder2.Family, Granite.Family, SmolLm3.Family, Opt.Family,
        Cohere.Family,
    ];
}
