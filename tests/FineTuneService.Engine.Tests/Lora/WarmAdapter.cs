using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Lora;

internal static class WarmAdapter
{
    /// <summary>An adapter that changes answers: A and B both random.</summary>
    public static Adapter Make(BaseModel model, ulong seed)
    {
        Adapter adapter = Adapter.Create(model, new LoraConfig { Rank = 4, Alpha = 8 }, seed);
        foreach (JoinedLoraPart part in adapter.Values.Parts)
        {
            using Tensor drawn = tensor(new CounterRandom(seed, 99).Uniform(part.B.numel(), -0.5f, 0.5f));
            part.B.copy_(drawn.view(part.B.shape));
        }
        adapter.Changed();
        return adapter;
    }

    /// <summary>A LLaMA-Adapter whose gates are open.</summary>
    public static Adapter MakePrompt(BaseModel model, ulong seed)
    {
        Adapter adapter = Adapter.Create(model, LoraConfig.OfPrompt(new AdaptionPromptConfig { Length = 5 }), seed);
        foreach (PromptTensors prompt in adapter.Values.Prompts) prompt.Gate.fill_(2);
        adapter.Changed();
        return adapter;
    }
}
