using System.Text.Json.Nodes;
using FineTuneService.Engine.Generation.Rules;

namespace FineTuneService.Engine.Tests.Generation;

/// <summary>Every rule, alone and one after the other, against transformers' logits processors (golden/sampling/processors.json).</summary>
public sealed class LogitRuleTests
{
    private const double Tolerance = 2e-6;

    public static TheoryData<string> Names()
    {
        if (!Shared.Present) return [""];
        return [.. Golden()["cases"]!.AsArray().Select(one => (string)one!["name"]!)];
    }

    [Theory, MemberData(nameof(Names))]
    public void Apply_RulesInOrder_EqualsTransformers(string name)
    {
        JsonNode golden = Golden(), one = golden["cases"]!.AsArray().Single(c => (string)c!["name"]! == name)!;
        float[] scores = Numbers(golden["logits"]![(string)one["logits"]!]!);
        int[] previous = [.. one["previous_ids"]!.AsArray().Select(id => (int)id!)];
        int[] kept = [.. one["kept_after_each"]!.AsArray().Select(count => (int)count!)];
        JsonArray processors = one["processors"]!.AsArray();
        for (int i = 0; i < processors.Count; i++)
        {
            Rule(processors[i]!).Apply(scores, previous);
            Assert.Equal(kept[i], scores.Count(score => !float.IsNegativeInfinity(score)));
        }
        float[] expected = Numbers(one["scores"]!), actual = scores;
        if ((bool)one["tie_at_cutoff"]!) (expected, actual) = ([.. expected.Order()], [.. scores.Order()]); // Which of equals stays is chance there.
        else Assert.Equal((int)one["argmax"]!, Array.IndexOf(scores, scores.Max()));
        for (int id = 0; id < expected.Length; id++)
        {
            if (float.IsNegativeInfinity(expected[id])) Assert.True(float.IsNegativeInfinity(actual[id]), $"token {id} was kept");
            else Assert.Equal(expected[id], actual[id], Math.Max(1, Math.Abs(expected[id])) * Tolerance);
        }
        Fidelity.Passed("sampling", name, "equal within 2e-6");
    }

    private static ILogitRule Rule(JsonNode processor) => (string)processor["type"]! switch
    {
        "temperature" => new Temperature((double)processor["temperature"]!),
        "top_k" => new TopK((int)processor["top_k"]!, Fewest(processor)),
        "top_p" => new TopP((double)processor["top_p"]!, Fewest(processor)),
        "min_p" => new MinP((double)processor["min_p"]!, Fewest(processor)),
        "typical_p" => new TypicalP((double)processor["typical_p"]!, Fewest(processor)),
        "epsilon_cutoff" => new EpsilonCutoff((double)processor["epsilon_cutoff"]!),
        "repetition_penalty" => new RepetitionPenalty((double)processor["penalty"]!),
        "no_repeat_ngram" => new NoRepeatNgram((int)processor["ngram_size"]!),
        "min_length" => new SuppressTokens(Ids(processor["eos_token_id"]!), (int)processor["min_length"]!),
        "min_new_tokens" => new SuppressTokens(Ids(processor["eos_token_id"]!), (int)processor["prompt_length"]! + (int)processor["min_new_tokens"]!),
        "suppress_tokens" => new SuppressTokens(Ids(processor["tokens"]!)),
        "logit_bias" => new LogitBias(processor["bias"]!.AsObject().ToDictionary(pair => int.Parse(pair.Key, System.Globalization.CultureInfo.InvariantCulture), pair => (double)pair.Value!)),
        "openai_penalties" => new CountPenalties((double)processor["frequency_penalty"]!, (double)processor["presence_penalty"]!, promptLength: 0),
        var other => throw new NotSupportedException(other),
    };

    private static int Fewest(JsonNode processor) => (int?)processor["min_tokens_to_keep"] ?? 1;

    private static int[] Ids(JsonNode list) => [.. list.AsArray().Select(id => (int)id!)];

    private static float[] Numbers(JsonNode list) => [.. list.AsArray().Select(number => number is null ? float.NegativeInfinity : (float)number)];

    private static JsonNode Golden() => JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "sampling", "processors.json")))!;
}
