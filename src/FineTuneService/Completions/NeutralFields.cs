using FineTuneService.Hosting;

namespace FineTuneService.Completions;

/// <summary>Fields of OpenAI's chat request of which some values ask for what every answer is; others are refused by name.</summary>
internal static class NeutralFields
{
    private const int MostLabels = 16, LongestLabel = 64, LongestText = 512;

    public static IResult? Check(ChatCompletionRequest request)
    {
        if (request.ServiceTier is not (null or "auto" or "default")) return Wrong("service_tier", "auto or default: there is one tier");
        if (request.WebSearchOptions is { ValueKind: not System.Text.Json.JsonValueKind.Null }) return Errors.BadRequest("Unknown parameter: 'web_search_options'. It is not built; leave it out.", "unknown_parameter", "web_search_options");
        if (request.Modalities is { } modalities && modalities is not ["text"]) return Wrong("modalities", "[\"text\"]: nothing else is made");
        if (request.Verbosity is not (null or "medium")) return Wrong("verbosity", "medium: a model's answers are as long as it makes them");
        if (request.Metadata is { } labels && (labels.Count > MostLabels || labels.Any(label => label.Key.Length > LongestLabel || label.Value is not { Length: <= LongestText })))
            return Wrong("metadata", $"up to {MostLabels} labels, names of up to {LongestLabel} characters and texts of up to {LongestText}");
        return null;
    }

    private static IResult Wrong(string field, string what) => Errors.BadRequest($"{field} is {what}.", param: field);
}
