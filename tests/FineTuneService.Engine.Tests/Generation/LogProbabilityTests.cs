using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Models;
using Generator = FineTuneService.Engine.Generation.Generator;

namespace FineTuneService.Engine.Tests.Generation;

/// <summary>golden/sampling/logprobs.json: greedy runs with the five likeliest tokens at each place.</summary>
public sealed class LogProbabilityTests
{
    /// <summary>Two fp32 paths, cached or not, differ by up to 1.2e-5; the last digits of tokens that are hardly ever drawn by more.</summary>
    private const double Tolerance = 2e-4;

    public static TheoryData<int> Cases() => Shared.Present ? [.. Enumerable.Range(0, Golden()["cases"]!.AsArray().Count)] : [0];

    [Theory, MemberData(nameof(Cases))]
    public void OnToken_WithTop_EqualsTheGoldenRun(int number)
    {
        JsonNode one = Golden()["cases"]![number]!;
        using BaseModel model = BaseModel.Load(Shared.Path("models", (string)Golden()["model"]!), BasePrecision.Fp32);
        using var generator = new Generator(model, maxRows: 2, capacity: 256);
        int[] prompt = [.. one["prompt_ids"]!.AsArray().Select(id => (int)id!)], ids = [.. one["ids"]!.AsArray().Select(id => (int)id!)];
        var tokens = new List<GeneratedToken>();
        generator.Add(new GenerationRequest
        {
            Prompt = prompt,
            Parameters = new SamplingParameters { Temperature = 0, MaxTokens = ids.Length, TopLogProbabilities = (int)Golden()["top_logprobs"]! },
            OnToken = tokens.Add,
            OnFinished = _ => { },
        });
        generator.Finish();
        Assert.Equal(ids, tokens.Select(token => token.Id));
        JsonArray content = one["logprobs"]!["content"]!.AsArray();
        double largest = 0;
        for (int i = 0; i < tokens.Count; i++)
        {
            Compare(content[i]!, tokens[i].Id, tokens[i].LogProbability!.Value);
            JsonArray top = content[i]!["top_logprobs"]!.AsArray();
            Assert.Equal(top.Select(other => (int)other!["id"]!), tokens[i].Top!.Select(other => other.Id));
            for (int j = 0; j < top.Count; j++) Compare(top[j]!, tokens[i].Top![j].Id, tokens[i].Top![j].LogProbability);
        }
        Fidelity.Passed("sampling", $"logprobs {number}", $"largest difference {largest:E1}");

        void Compare(JsonNode golden, int id, double probability)
        {
            Assert.Equal(golden["bytes"]!.AsArray().Select(value => (byte)(int)value!), model.Tokenizer.BytesOf(id)!);
            Assert.Equal((string)golden["token"]!, Encoding.UTF8.GetString(model.Tokenizer.BytesOf(id)!));
            largest = Math.Max(largest, Math.Abs((double)golden["logprob"]! - probability));
            Assert.Equal((double)golden["logprob"]!, probability, Tolerance);
        }
    }

    [Fact]
    public void OnPromptToken_PromptInChunks_IsAsLikelyAsWhenDrawn()
    {
        using BaseModel model = Talers.Load();
        using var generator = new Generator(model, 4, 512, null, promptTokens: 64);
        int[] prompt = Talers.Prompt(3);
        var drawn = new List<GeneratedToken>();
        SamplingParameters parameters = Talers.Greedy with { TopLogProbabilities = 2, MaxTokens = 150 };
        generator.Add(new GenerationRequest { Prompt = prompt, Parameters = parameters, OnToken = drawn.Add, OnFinished = _ => { } });
        generator.Finish();
        var (read, further) = (new List<GeneratedToken>(), 0);
        FinishReason? finish = null;
        generator.Add(new GenerationRequest
        {
            Prompt = [.. prompt, .. drawn.Select(token => token.Id)],
            Parameters = parameters with { MaxTokens = 0 },
            OnPromptToken = read.Add,
            OnToken = _ => further++,
            OnFinished = reason => finish = reason,
        });
        generator.Finish();
        Assert.Equal((FinishReason.Length, 0, prompt.Length + drawn.Count - 1), (finish, further, read.Count));
        for (int i = 0; i < drawn.Count; i++)
        {
            Assert.Equal(drawn[i].Id, read[prompt.Length - 1 + i].Id);
            Assert.Equal(drawn[i].LogProbability!.Value, read[prompt.Length - 1 + i].LogProbability!.Value, 1e-3);
            Assert.Equal(drawn[i].Top!.Select(top => top.Id), read[prompt.Length - 1 + i].Top!.Select(top => top.Id));
        }
    }

    private static JsonNode Golden() => JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "sampling", "logprobs.json")))!;
}
