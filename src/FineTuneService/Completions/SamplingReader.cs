using System.Globalization;
using System.Security.Cryptography;
using FineTuneService.Engine.Generation;
using FineTuneService.Hosting;

namespace FineTuneService.Completions;

/// <summary>Makes sampling parameters of a request's fields, each checked.</summary>
internal static class SamplingReader
{
    private const int MostChoices = 128, MostBiases = 1024;

    /// <summary>One for each of the n answers, or the error that the request deserves. Their seed is the request's: each row mixes its own.</summary>
    /// <param name="maxTokens">Null where the request leaves it to the context.</param>
    /// <param name="least">Fewest tokens that an answer may have.</param>
    /// <param name="logprobs">How many of the likeliest tokens are named; null: no probabilities.</param>
    public static IResult? Read(AnswerRequest request, int? maxTokens, string maxTokensName, int least, int? logprobs, out IReadOnlyList<SamplingParameters> choices)
    {
        choices = [];
        if (request.Temperature is < 0 or > 2) return Errors.BadRequest("temperature must be 0 to 2.", param: "temperature");
        if (request.TopP is < 0 or > 1) return Errors.BadRequest("top_p must be 0 (the likeliest token alone) to 1.", param: "top_p");
        if (request.TopK is < -1) return Errors.BadRequest("top_k must be 1 or more; 0, or -1, is all tokens.", param: "top_k");
        if (request.MinP is < 0 or > 1) return Errors.BadRequest("min_p must be 0 to 1.", param: "min_p");
        if (request.TypicalP is <= 0 or > 1) return Errors.BadRequest("typical_p must be above 0 and at most 1.", param: "typical_p");
        if (request.FrequencyPenalty is < -2 or > 2) return Errors.BadRequest("frequency_penalty must be -2 to 2.", param: "frequency_penalty");
        if (request.PresencePenalty is < -2 or > 2) return Errors.BadRequest("presence_penalty must be -2 to 2.", param: "presence_penalty");
        if (request.RepetitionPenalty is <= 0 or > 2) return Errors.BadRequest("repetition_penalty must be above 0 and at most 2.", param: "repetition_penalty");
        if (!TryBias(request.LogitBias, out Dictionary<int, double> bias))
            return Errors.BadRequest($"logit_bias is up to {MostBiases} tokens' ids, each with a number from -100 to 100.", param: "logit_bias");
        if (request.N is < 1 or > MostChoices) return Errors.BadRequest($"n must be 1 to {MostChoices}.", param: "n");
        if (maxTokens < least) return Errors.BadRequest($"{maxTokensName} must be {least} or more.", param: maxTokensName);
        if (request.Stop is { } stop && (stop.Values.Count > 4 || stop.Values.Any(string.IsNullOrEmpty)))
            return Errors.BadRequest("stop is up to 4 texts, none of them empty.", param: "stop");
        if (request.StreamOptions is not null && request.Stream != true) return Errors.BadRequest("stream_options needs stream: true.", param: "stream_options");
        ulong seed = (ulong?)request.Seed ?? BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
        choices = [.. Enumerable.Range(0, request.N ?? 1).Select(_ => new SamplingParameters
        {
            MaxTokens = maxTokens ?? -1,
            TopLogProbabilities = logprobs,
            Temperature = request.Temperature ?? 1,
            TopP = request.TopP ?? 1,
            TopK = Math.Max(0, request.TopK ?? 0),
            MinP = request.MinP ?? 0,
            TypicalP = request.TypicalP ?? 1,
            FrequencyPenalty = request.FrequencyPenalty ?? 0,
            PresencePenalty = request.PresencePenalty ?? 0,
            RepetitionPenalty = request.RepetitionPenalty ?? 1,
            LogitBias = bias,
            Stop = request.Stop?.Values ?? [],
            Seed = seed,
        })];
        return null;
    }
    private static bool TryBias(IReadOnlyDictionary<string, double>? asked, out Dictionary<int, double> bias)
    {
        bias = [];
        foreach ((string token, double value) in asked ?? new Dictionary<string, double>())
        {
            if (!int.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out int id) || !(Math.Abs(value) <= 100)) return false;
            bias[id] = value;
        }
        return bias.Count <= MostBiases;
    }
}
