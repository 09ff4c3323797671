using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using FineTuneService.Data;
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

    public static void MapCompletions(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/v1").WithTags("Completions").Needs(Access.Tenant);
        group.MapPost("/chat/completions", Chat).WithSummary("Answer a conversation").Takes(CompletionExamples.Chat).Answers(CompletionExamples.Answer).Streams(CompletionExamples.ChatStream);
        group.MapPost("/completions", Complete).WithSummary("Go on from a text").Takes(CompletionExamples.Complete).Answers(CompletionExamples.Text);
    }

    private static async Task<IResult> Chat(
        ChatCompletionRequest request, CurrentTenant tenant, ModelCatalog catalog, Answering answering, TimeProvider clock, CancellationToken cancel)
    {
        if (request.Messages.Count == 0) return Errors.BadRequest("messages is empty; write at least one.", param: "messages");
        if (request.Messages.Any(message => message is null)) return Errors.BadRequest("messages holds a null; each is an object with role and content.", param: "messages");
        if (request.Messages.FirstOrDefault(message => !ChatMessage.Roles.Contains(message.Role)) is { } odd)
            return Errors.BadRequest($"role '{Errors.Clip(odd.Role)}' is not one of {string.Join(", ", ChatMessage.Roles)}.", param: "messages");
        if (request is { MaxTokens: not null, MaxCompletionTokens: not null })
            return Errors.BadRequest("max_tokens and max_completion_tokens are the same; give one.", param: "max_tokens");
        bool older = request.MaxTokens is not null;
        int? given = request.MaxCompletionTokens ?? request.MaxTokens;
        if (SamplingReader.Read(request, given is < 1 ? -1 : given ?? 0, older ? "max_tokens" : "max_completion_tokens", out var choices) is { } bad) return bad;
        ChatMessage[] messages = [.. request.Messages.Select(message => ChatMessage.Of(message.Role, message.Content, message.Name))];
        if (await catalog.Find(request.Model, request.AdapterId, cancel) is not { } served) return Errors.ModelNotFound(request.AdapterId ?? request.Model);
        (Answer? answer, AnswerRefusal? refusal) = await answering.Begin(Answering.Chat, tenant.Id, served, encoder => [encoder.EncodeChat(messages)], choices, cancel);
        if (refusal is not null) return await Refuse(refusal, "messages", request, catalog, cancel);
        var reply = new ChatReply(Ids.New("chatcmpl"), clock.GetUtcNow().ToUnixTimeSeconds(), request.Model);
        return await Deliver(answer!, reply, choices.Count, request, cancel);
    }

    private static async Task<IResult> Complete(
        CompletionRequest request, CurrentTenant tenant, ModelCatalog catalog, Answering answering, TimeProvider clock, CancellationToken cancel)
    {
        int maxTokens = request.MaxTokens is < 1 ? -1 : request.MaxTokens ?? CompletionMaxTokens;
        if (SamplingReader.Read(request, maxTokens, "max_tokens", out var choices) is { } bad) return bad;
        IReadOnlyList<Prompt> prompts = request.Prompt.Each;
        if (prompts.Count * choices.Count > MostAnswers) return Errors.BadRequest($"{prompts.Count} prompts with n = {choices.Count} are more than {MostAnswers} answers; send fewer at once.", param: "prompt");
        if (await catalog.Find(request.Model, request.AdapterId, cancel) is not { } served) return Errors.ModelNotFound(request.AdapterId ?? request.Model);
        (Answer? answer, AnswerRefusal? refusal) =
            await answering.Begin(Answering.TextCompletion, tenant.Id, served, encoder => [.. prompts.Select(prompt => prompt.Encode(encoder))], choices, cancel);
        if (refusal is not null) return await Refuse(refusal, "prompt", request, catalog, cancel);
        var reply = new TextReply(Ids.New("cmpl"), clock.GetUtcNow().ToUnixTimeSeconds(), request.Model);
        return await Deliver(answer!, reply, prompts.Count * choices.Count, request, cancel);
    }

    /// <param name="count">Answers, of all prompts.</param>
    private static async Task<IResult> Deliver(Answer answer, IReply reply, int count, AnswerRequest request, CancellationToken cancel)
    {
        if (request.Stream == true) return TypedResults.ServerSentEvents(Stream(answer, reply, count, request.StreamOptions?.IncludeUsage == true, cancel));
        StringBuilder[] texts = [.. Enumerable.Range(0, count).Select(_ => new StringBuilder())];
        var finishes = new FinishReason[count];
        await foreach (AnswerPiece piece in answer.Pieces(cancel))
        {
            texts[piece.Choice].Append(piece.Text);
            if (piece.Finish is not { } finish) continue;
            if (Answer.Failure(finish) is { } failure)
            {
                answer.Cancel();
                return Refuse(failure, "model");
            }
            finishes[piece.Choice] = finish;
        }
        return Results.Ok(reply.Whole([.. texts.Select((text, i) => (text.ToString(), finishes[i]))], answer.Usage));
    }

    /// <summary>OpenAI's stream: an object an event. One that does not come to its end says so in an error object, and has no [DONE].</summary>
    private static async IAsyncEnumerable<SseItem<string>> Stream(
        Answer answer, IReply reply, int count, bool usage, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (object opening in reply.Opening(count)) yield return Event(opening);
        await foreach (AnswerPiece piece in answer.Pieces(cancel))
        {
            if (piece.Finish is { } finish && Answer.Failure(finish) is { } failure)
            {
                answer.Cancel();
                (int status, string code) = Refused(failure.Kind);
                yield return Event(Errors.Body(status, failure.Message, code, "model"));
                yield break;
            }
            yield return Event(reply.Chunk(piece));
        }
        if (usage) yield return Event(reply.UsageChunk(answer.Usage));
        yield return new SseItem<string>("[DONE]");
    }

    private static SseItem<string> Event(object body) => new(JsonSerializer.Serialize(body, Json.Options));

    private static async Task<IResult> Refuse(AnswerRefusal refusal, string param, AnswerRequest request, ModelCatalog catalog, CancellationToken cancel)
    {
        // It may have been deleted since it was found.
        if (refusal.Kind == RefusalKind.ModelUnusable && await catalog.Find(request.Model, request.AdapterId, cancel) is null)
            return Errors.ModelNotFound(request.AdapterId ?? request.Model);
        return Refuse(refusal, param);
    }

    /// <param name="param">The field that holds the prompt.</param>
    private static IResult Refuse(AnswerRefusal refusal, string param)
    {
        (int status, string code) = Refused(refusal.Kind);
        if (refusal.Kind is RefusalKind.Full or RefusalKind.Cut) return Errors.Busy(refusal.Message, code);
        return Errors.Make(status, refusal.Message, code, refusal.Param ?? (refusal.Kind is RefusalKind.NoChatTemplate or RefusalKind.ModelUnusable or RefusalKind.NonFinite ? "model" : param));
    }

    private static (int Status, string Code) Refused(RefusalKind kind) => kind switch
    {
        RefusalKind.NoChatTemplate => (400, "no_chat_template"),
        RefusalKind.BadPrompt => (400, "invalid_value"),
        RefusalKind.ContextLengthExceeded => (400, "context_length_exceeded"),
        RefusalKind.NonFinite => (422, "non_finite_output"),
        RefusalKind.ModelUnusable => (503, "model_unusable"),
        RefusalKind.Cut => (503, "answer_cut"),
        _ => (503, "overloaded"),
    };
}
