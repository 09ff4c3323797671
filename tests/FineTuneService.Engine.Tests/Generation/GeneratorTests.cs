using System.Text.Json.Nodes;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tests.Lora;
using FineTuneService.Engine.Tests.Models;
using Generator = FineTuneService.Engine.Generation.Generator;

namespace FineTuneService.Engine.Tests.Generation;

public sealed class GeneratorTests
{
    private static readonly SamplingParameters Greedy = new() { Temperature = 0, MaxTokens = 24, IgnoreEndOfText = true };

    [Fact]
    public void Step_GreedyPrompt_GivesReferenceIds()
    {
        string folder = Shared.Path("models", "stories260K");
        using BaseModel model = BaseModel.Load(folder, BasePrecision.Fp32);
        int[] reference = [.. JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "golden.json")))!["greedy"]!["ids"]!.AsArray().Select(id => (int)id!)];
        using var generator = new Generator(model, maxRows: 2, capacity: 128);
        Assert.Equal(reference[5..29], Run(generator, (reference[..5], null))[0]);
    }

    [Fact]
    public void Step_RowsOfTwoAdaptersAndTheBase_EqualSeparateRuns()
    {
        using BaseModel model = BaseModel.Load(Shared.Path("models", "stories260K"), BasePrecision.Fp32);
        using Adapter a = WarmAdapter.Make(model, 1), b = WarmAdapter.Make(model, 2);
        string before = BaseBytes.Hash(model);
        (int[], Adapter?)[] requests = [([1, 403, 407], a), ([1, 261], null), ([1, 403, 407, 261, 378], b), ([1, 300], a)];

        using var mixed = new Generator(model, maxRows: 4, capacity: 64);
        int[][] together = Run(mixed, requests);
        for (int i = 0; i < requests.Length; i++)
        {
            using var alone = new Generator(model, maxRows: 1, capacity: 64);
            Assert.Equal(Run(alone, requests[i])[0], together[i]);
        }
        Assert.NotEqual(together[0], together[3]);
        Assert.Equal(before, BaseBytes.Hash(model));
    }

    [Fact]
    public void Step_StopString_EndsBeforeItAndNothingOfItIsShown()
    {
        using BaseModel model = BaseModel.Load(Shared.Path("models", "stories260K"), BasePrecision.Fp32);
        using var generator = new Generator(model, maxRows: 1, capacity: 128);
        string whole = Text(generator, Greedy, out _);
        string stop = whole.Substring(whole.Length / 2, 3);
        string text = Text(generator, Greedy with { Stop = [stop] }, out FinishReason reason);
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], text);
        Assert.Equal(FinishReason.Stop, reason);
    }

    [Fact]
    public void Step_SameSeed_DrawsTheSameAnswer()
    {
        using BaseModel model = BaseModel.Load(Shared.Path("models", "stories260K"), BasePrecision.Fp32);
        using var generator = new Generator(model, maxRows: 2, capacity: 128);
        SamplingParameters drawn = Greedy with { Temperature = 1, TopP = 0.95, Seed = 7 };
        string first = Text(generator, drawn, out _);
        Assert.Equal(first, Text(generator, drawn, out _));
        Assert.NotEqual(first, Text(generator, drawn with { Seed = 8 }, out _));
    }

    [Fact]
    public void Cancel_ActiveRequest_IsToldAndFreesItsPlace()
    {
        using BaseModel model = BaseModel.Load(Shared.Path("models", "stories260K"), BasePrecision.Fp32);
        using var generator = new Generator(model, maxRows: 1, capacity: 128);
        FinishReason? ended = null;
        var request = new GenerationRequest { Prompt = [1], Parameters = Greedy, OnToken = _ => { }, OnFinished = reason => ended = reason };
        generator.Add(request);
        generator.Step();
        generator.Cancel(request);
        Assert.Equal(FinishReason.Cancelled, ended);
        Assert.False(generator.Step());
    }

    [Fact]
    public void Step_HundredsOfRequests_KeepsTensorsAndMemoryFlat()
    {
        using BaseModel model = BaseModel.Load(Shared.Path("models", "stories260K"), BasePrecision.Fp32);
        using Adapter adapter = WarmAdapter.Make(model, 1);
        using var generator = new Generator(model, maxRows: 4, capacity: 64);
        void Ask(int count)
        {
            for (int i = 0; i < count; i++) Run(generator, ([1, 261, 300 + i % 100], i % 2 == 0 ? adapter : null));
        }
        Ask(100);
        Footprint warm = Footprint.Take();
        Ask(150);
        Footprint middle = Footprint.Take();
        Ask(150); // The service's SoakTests ask a thousand.
        Footprint.AssertFlat(warm, middle, Footprint.Take());
    }

    private static string Text(Generator generator, SamplingParameters parameters, out FinishReason reason)
    {
        string text = "";
        FinishReason ended = default;
        generator.Add(new GenerationRequest { Prompt = [1, 403, 407], Parameters = parameters, OnToken = token => text += token.Text, OnFinished = r => ended = r });
        while (generator.Step()) { }
        reason = ended;
        return text;
    }

    private static int[][] Run(Generator generator, params (int[] Prompt, Adapter? Adapter)[] requests)
    {
        List<int>[] made = [.. requests.Select(_ => new List<int>())];
        for (int i = 0; i < requests.Length; i++)
        {
            List<int> ids = made[i];
            generator.Add(new GenerationRequest
            {
                Prompt = requests[i].Prompt,
                Adapter = requests[i].Adapter,
                Parameters = Greedy,
                OnToken = token => ids.Add(token.Id),
                OnFinished = _ => { },
            });
        }
        while (generator.Step()) { }
        return [.. made.Select(ids => ids.ToArray())];
    }
}
