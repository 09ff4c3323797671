using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using Generator = FineTuneService.Engine.Generation.Generator;

namespace FineTuneService.Engine.Tests.Generation;

/// <summary>The embedded base model, and what tests of generation ask it.</summary>
internal static class Talers
{
    public static string Folder { get; } = Path.Combine(Shared.Repository, "src/FineTuneService/BaseModel/talers-2m");

    public static readonly SamplingParameters Greedy = new() { Temperature = 0, MaxTokens = 12, IgnoreEndOfText = true };

    public static BaseModel Load(ComputeDtype dtype = ComputeDtype.Fp32, QuantizationType quantization = QuantizationType.None) =>
        BaseModel.Load(Folder, new BasePrecision(dtype, quantization));

    /// <summary>A prompt of so many tokens; another for each start.</summary>
    public static int[] Prompt(int tokens, int start = 0) => [.. Enumerable.Range(0, tokens).Select(i => 2 + (start * 131 + i * 7) % 1000)];

    public static Heard Ask(this Generator generator, int[] prompt, Adapter? adapter = null, SamplingParameters? parameters = null, string turn = "")
    {
        var heard = new Heard();
        heard.Request = new GenerationRequest
        {
            Prompt = prompt,
            Adapter = adapter,
            Parameters = parameters ?? Greedy,
            Turn = turn,
            OnToken = token => heard.Ids.Add(token.Id),
            OnFinished = reason => heard.Finish = reason,
        };
        generator.Add(heard.Request);
        return heard;
    }

    public static void Finish(this Generator generator)
    {
        while (generator.Step()) { }
    }

    /// <summary>What a request was told.</summary>
    internal sealed class Heard
    {
        public GenerationRequest Request { get; set; } = null!;
        public List<int> Ids { get; } = [];
        public FinishReason? Finish { get; set; }
    }
}
