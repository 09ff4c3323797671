using FineTuneService.Hosting;

namespace FineTuneService.Hub;

/// <summary>What the hub's answers say: in headers, and by their status.</summary>
internal static class HubAnswer
{
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromMinutes(10);

    /// <param name="what">Was asked for, in words.</param>
    /// <exception cref="HubException">It is not there, or not for this token.</exception>
    /// <exception cref="HubTroubleException">The hub cannot say now.</exception>
    public static void Require(this HttpResponseMessage answer, HubSource source, string what, TimeProvider clock)
    {
        if (answer.IsSuccessStatusCode) return;
        string? said = answer.Header("X-Error-Message") is { } message ? Errors.Clip(message).TrimEnd('.') : null;
        string because = said is null ? "" : $" ({said})";
        throw ((int)answer.StatusCode, answer.Header("X-Error-Code")) switch
        {
            (401 or 403, "GatedRepo") or (403, _) => new HubException("gated_repo",
                $"'{source.Repo}' is gated{because}. Accept its terms on the hub with the account whose token this is, and send that token as token, or set FineTune:Hub:Token."),
            (401, _) => new HubException("repo_unauthorized",
                $"The hub asks for an access token for '{source.Repo}'{because}: it is private, gated or does not exist, or the token is not valid. Send one as token, or set FineTune:Hub:Token."),
            (404, _) or (410, _) => new HubException("repo_not_found", $"The hub has no {what}{because}. Check repo, revision and file."),
            (408 or 429 or >= 500, _) => new HubTroubleException($"the hub answered {(int)answer.StatusCode}{because}", RetryAfter(answer, clock)),
            _ => new HubException("invalid_hub_answer", $"The hub answered {(int)answer.StatusCode} when it was asked for {what}{because}; check FineTune:Hub:Endpoint."),
        };
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage answer, TimeProvider clock)
    {
        TimeSpan? wait = answer.Headers.RetryAfter?.Delta ?? (answer.Headers.RetryAfter?.Date is { } date ? date - clock.GetUtcNow() : null);
        return wait is null ? null : TimeSpan.FromSeconds(Math.Clamp(wait.Value.TotalSeconds, 0, LongestRetryAfter.TotalSeconds));
    }

    public static string? Header(this HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out IEnumerable<string>? values) || answer.Content.Headers.TryGetValues(name, out values) ? values.FirstOrDefault() : null;
}
