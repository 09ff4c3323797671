using FineTuneService.Hosting;
using FineTuneService.Tenants;

namespace FineTuneService.Completions;

/// <summary>OpenAI's /v1/chat/completions and /v1/completions, on bases, adapters and merged models alike.</summary>
internal static class CompletionsApi
{
    public static void MapCompletions(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/v1").WithTags("Completions").Needs(Access.Tenant);
        group.MapPost("/chat/completions", (ChatCompletionRequest request, CompletionsAnswers answers, CancellationToken cancel) => answers.Chat(request, background: false, cancel))
            .WithSummary("Answer a conversation").Takes(CompletionExamples.Chat).Answers(CompletionExamples.Answer).Streams(CompletionExamples.ChatStream);
        group.MapPost("/completions", (CompletionRequest request, CompletionsAnswers answers, CancellationToken cancel) => answers.Complete(request, background: false, cancel))
            .WithSummary("Go on from a text").Takes(CompletionExamples.Complete).Answers(CompletionExamples.Text);
        // OpenAI's list of stored completions. None are stored, and by routing alone it would be 405, which tells of a mistake in the client.
        group.MapGet("/chat/completions", () => Results.StatusCode(StatusCodes.Status404NotFound)).ExcludeFromDescription();
    }
}
