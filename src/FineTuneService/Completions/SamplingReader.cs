using System.Security.Cryptography;
using FineTuneService.Engine.Generation;
using FineTuneService.Hosting;

namespace FineTuneService.Completions;

/// <summary>Makes sampling parameters of a request's fields, each checked.</summary>
internal static class SamplingReader
{
    private const int MostChoices = 8;

    /// <summary>One for each of the n answers, or the error that the request deserves. Their seed is the request's: each row mixes its own.</summary>
    /// <param name="maxTokens">0 where the request leaves it to the context.</param>
    public static IResult? Read(AnswerRequest request, int maxTokens, string maxTokensName, out IReadOnlyList<SamplingParameters> choices)
    {
        choices = [];
        if (request.Temperature is < 0 or > 2) return Errors.BadRequest("temperature must be 0 to 2.", param: "temperature");
        if (request.TopP is <= 0 or > 1) return Errors.BadRequest("top_p must be above 0 and at most 1.", param: "top_p");
        if (request.TopK is < 0) return Errors.BadRequest("top_k must be 0 (all tokens) or more.", param: "top_k");
        if (request.N is < 1 or > MostChoices) return Errors.BadRequest($"n must be 1 to {MostChoices}.", param: "n");
        if (maxTokens < 0) return Errors.BadRequest($"{maxTokensName} must be 1 or more.", param: maxTokensName);
        if (request.Stop is { } stop && (stop.Values.Count > 4 || stop.Values.Any(string.IsNullOrEmpty)))
            return Errors.BadRequest("stop is up to 4 texts, none of them empty.", param: "stop");
        if (request.StreamOptions is not null && request.Stream != true) return Errors.BadRequest("stream_options needs stream: true.", param: "stream_options");
        ulong seed = (ulong?)request.Seed ?? BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
        choices = [.. Enumerable.Range(0, request.N ?? 1).Select(_ => new SamplingParameters
        {
            MaxTokens = maxTokens,
            Temperature = request.Temperature ?? 1,
            TopP = request.TopP ?? 1,
            TopK = request.TopK ?? 0,
            Stop = request.Stop?.Values ?? [],
            Seed = seed,
        })];
        return null;
    }
}
