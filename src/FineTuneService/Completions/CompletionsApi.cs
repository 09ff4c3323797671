using System.Text;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Generation;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Tenants;

namespace FineTuneService.Completions;

/// <summary>OpenAI's /v1/chat/completions and /v1/completions, on bases, adapters and merged models alike.</summary>
internal static class CompletionsApi
{
    private const int CompletionMaxTokens = 16;
    private const int MostAnswers = 128;
    private static readonly string[] Roles = ["system", "developer", "user", "assistant"];

    public static void MapCompletions(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/v1").WithTags("Completions").Needs(Access.Tenant);
        group.MapPost("/chat/completions", Chat).WithSummary("Answer a conversation").Takes(CompletionExamples.Chat).Answers(CompletionExamples.Answer).Streams(CompletionExamples.ChatStream);
        group.MapPost("/completions", Complete).WithSummary("Go on from a text").Takes(CompletionExamples.Complete).Answers(CompletionExamples.Text);
    }

    private static async Task<IResult> Chat(
        ChatCompletionRequest request, ModelCatalog catalog, Answering answering, TimeProvider clock, HttpContext context, CancellationToken cancel)
    {
        if (request.Messages.Count == 0) return Errors.BadRequest("messages is empty; write at least one.", param: "messages");
        if (request.Messages.Any(message => message is null)) return Errors.BadRequest("messages holds a null; each is an object with role and content.", param: "messages");
        if (request.Messages.FirstOrDefault(message => !Roles.Contains(message.Role)) is { } odd)
            return Errors.BadRequest($"role '{Errors.Clip(odd.Role)}' is not one of {string.Join(", ", Roles)}.", param: "messages");
        if (request is { MaxTokens: not null, MaxCompletionTokens: not null })
            return Errors.BadRequest("max_tokens and max_completion_tokens are the same; give one.", param: "max_tokens");
        bool older = request.MaxTokens is not null;
        int? given = request.MaxCompletionTokens ?? request.MaxTokens;
        if (SamplingReader.Read(request, given is < 1 ? -1 : given ?? 0, older ? "max_tokens" : "max_completion_tokens", out var choices) is { } bad) return bad;
        ChatMessage[] messages = [.. request.Messages.Select(message => new ChatMessage(message.Role == "developer" ? "system" : message.Role, message.Content))];
        if (await catalog.Find(request.Model, request.AdapterId, cancel) is not { } served) return Errors.ModelNotFound(request.AdapterId ?? request.Model);
        (Answer? answer, AnswerRefusal? refusal) = await answering.Begin(Answering.Chat, served, encoder => [encoder.EncodeChat(messages)], choices, cancel);
        if (refusal is not null) return Refuse(refusal, "messages", context);
        var reply = new ChatReply(Ids.New("chatcmpl"), clock.GetUtcNow().ToUnixTimeSeconds(), request.Model);
        return await Deliver(answer!, reply, choices.Count, request, context, cancel);
    }

    private static async Task<IResult> Complete(
        CompletionRequest request, ModelCatalog catalog, Answering answering, TimeProvider clock, HttpContext context, CancellationToken cancel)
    {
        int maxTokens = request.MaxTokens is < 1 ? -1 : request.MaxTokens ?? CompletionMaxTokens;
        if (SamplingReader.Read(request, maxTokens, "max_tokens", out var choices) is { } bad) return bad;
        IReadOnlyList<Prompt> prompts = request.Prompt.Each;
        if (prompts.Count * choices.Count > MostAnswers) return Errors.BadRequest($"{prompts.Count} prompts with n = {choices.Count} are more than {MostAnswers} answers; send fewer at once.", param: "prompt");
        if (await catalog.Find(request.Model, request.AdapterId, cancel) is not { } served) return Errors.ModelNotFound(request.AdapterId ?? request.Model);
        (Answer? answer, AnswerRefusal? refusal) =
            await answering.Begin(Answering.TextCompletion, served, encoder => [.. prompts.Select(prompt => prompt.Encode(encoder))], choices, cancel);
        if (refusal is not null) return Refuse(refusal, "prompt", context);
        var reply = new TextReply(Ids.New("cmpl"), clock.GetUtcNow().ToUnixTimeSeconds(), request.Model);
        return await Deliver(answer!, reply, prompts.Count * choices.Count, request, context, cancel);
    }

    /// <param name="count">Answers, of all prompts.</param>
    private static async Task<IResult> Deliver(Answer answer, IReply reply, int count, AnswerRequest request, HttpContext context, CancellationToken cancel)
    {
        if (request.Stream != true)
        {
            StringBuilder[] texts = [.. Enumerable.Range(0, count).Select(_ => new StringBuilder())];
            var finishes = new FinishReason[count];
            await foreach (AnswerPiece piece in answer.Pieces(cancel))
            {
                texts[piece.Choice].Append(piece.Text);
                if (piece.Finish is { } finish) finishes[piece.Choice] = finish;
            }
            return Results.Ok(reply.Whole([.. texts.Select((text, i) => (text.ToString(), finishes[i]))], answer.Usage));
        }
        ServerSentEvents.Begin(context.Response);
        foreach (object opening in reply.Opening(count)) await ServerSentEvents.Send(context.Response, opening, cancel);
        await foreach (AnswerPiece piece in answer.Pieces(cancel)) await ServerSentEvents.Send(context.Response, reply.Chunk(piece), cancel);
        if (request.StreamOptions?.IncludeUsage == true) await ServerSentEvents.Send(context.Response, reply.UsageChunk(answer.Usage), cancel);
        await ServerSentEvents.Done(context.Response, cancel);
        return Results.Empty;
    }

    /// <param name="param">The field that holds the prompt.</param>
    private static IResult Refuse(AnswerRefusal refusal, string param, HttpContext context)
    {
        switch (refusal.Kind)
        {
            case RefusalKind.NoChatTemplate: return Errors.BadRequest(refusal.Message, "no_chat_template", "model");
            case RefusalKind.BadPrompt: return Errors.BadRequest(refusal.Message, "invalid_value", param);
            case RefusalKind.ContextLengthExceeded: return Errors.BadRequest(refusal.Message, "context_length_exceeded", param);
            case RefusalKind.ModelUnusable: return Errors.Make(503, refusal.Message, "model_unusable", "model");
            default:
                context.Response.Headers.RetryAfter = "1";
                return Errors.Make(503, refusal.Message, "overloaded");
        }
    }
}
