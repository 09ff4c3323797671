using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FineTuneService.Data;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Generation.Schemas;
using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.Completions;

/// <summary>Checks requests for answers, and gives them: whole, or as a stream.</summary>
internal sealed class CompletionsAnswers(CurrentTenant tenant, ModelCatalog catalog, Answering answering, TimeProvider clock)
{
    private const int CompletionMaxTokens = 16;
    private const int MostAnswers = 128;

    /// <summary>A chat's stream that was asked for its usage has it in its last chunk, and null in all before, as OpenAI's.</summary>
    private static readonly JsonSerializerOptions WithUsage = new(Json.Options) { TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { KeepUsage } } };

    /// <param name="background">It is nobody's who waits: requests of those who do go before it.</param>
    public async Task<IResult> Chat(ChatCompletionRequest request, bool background, CancellationToken cancel)
    {
        if (ChatMessages.Read(request.Messages, out ChatMessage[] messages) is { } badMessages) return badMessages;
        if (NeutralFields.Check(request) is { } odd) return odd;
        if (request is { MaxTokens: not null, MaxCompletionTokens: not null })
            return Errors.BadRequest("max_tokens and max_completion_tokens are the same; give one.", param: "max_tokens");
        if (request.TopLogprobs is < 0 or > 20) return Errors.BadRequest("top_logprobs must be 0 to 20.", param: "top_logprobs");
        if (request.TopLogprobs is > 0 && request.Logprobs != true) return Errors.BadRequest("top_logprobs needs logprobs: true.", param: "top_logprobs");
        string limit = request.MaxTokens is not null ? "max_tokens" : "max_completion_tokens";
        if (SamplingReader.Read(request, request.MaxCompletionTokens ?? request.MaxTokens, limit, least: 1, request.Logprobs == true ? request.TopLogprobs ?? 0 : null, out var choices) is { } bad) return bad;
        if (ChatTools.Read(request, out ChatTools tools) is { } badTools) return badTools;
        Func<SchemaGrammar>? format = null;
        if (request.ResponseFormat?.Read(out format) is { } badFormat) return badFormat;
        if (tools.Grammar is not null && format is not null) return Errors.BadRequest("response_format and a tool_choice that requires a call cannot both be had: an answer is one or the other.", param: "tool_choice");
        if (await catalog.Find(request.Model, request.AdapterId, cancel) is not { } served) return await catalog.NotFound(request.Model, request.AdapterId, cancel);
        var plan = new AnswerPlan(Answering.Chat, choices, encoder =>
        {
            tools.Convention = encoder.Tools;
            return [encoder.EncodeChat(messages, tools.Rendered, tools.Begun, Math.Max(1, choices[0].MaxTokens))];
        })
        {
            Grammar = format ?? (tools.Grammar is null ? null : () => tools.Grammar()),
            GrammarField = format is null ? "tools" : "response_format",
            IsBackground = background,
        };
        (Answer? answer, AnswerRefusal? refusal) = await answering.Begin(plan, tenant.Id, tenant.KeyId, served, cancel);
        if (refusal is not null) return await Refuse(refusal, "messages", request, cancel);
        var reply = new ChatReply(
            Ids.New("chatcmpl"), clock.GetUtcNow().ToUnixTimeSeconds(), served.Model, [.. choices.Select(_ => tools.Text())], request.Logprobs == true ? new Logprobs(answer!.BytesOf) : null);
        return await Deliver(answer!, reply, choices.Count, request, cancel);
    }

    /// <inheritdoc cref="Chat"/>
    public async Task<IResult> Complete(CompletionRequest request, bool background, CancellationToken cancel)
    {
        bool echo = request.Echo == true;
        if (request.Logprobs is < 0 or > 5) return Errors.BadRequest("logprobs must be 0 to 5.", param: "logprobs");
        if (request.BestOf is { } best && best != 1 && best != request.N) return Errors.BadRequest("best_of is 1, or n: answers are not chosen among.", param: "best_of");
        if (SamplingReader.Read(request, request.MaxTokens ?? CompletionMaxTokens, "max_tokens", least: 0, request.Logprobs, out var choices) is { } bad) return bad;
        IReadOnlyList<Prompt> prompts = request.Prompt.Each;
        if (prompts.Count * choices.Count > MostAnswers) return Errors.BadRequest($"{prompts.Count} prompts with n = {choices.Count} are more than {MostAnswers} answers; send fewer at once.", param: "prompt");
        if (await catalog.Find(request.Model, request.AdapterId, cancel) is not { } served) return await catalog.NotFound(request.Model, request.AdapterId, cancel);
        var plan = new AnswerPlan(Answering.TextCompletion, choices, encoder => [.. prompts.Select(prompt => prompt.Encode(encoder))]) { Echo = echo, IsBackground = background };
        (Answer? answer, AnswerRefusal? refusal) = await answering.Begin(plan, tenant.Id, tenant.KeyId, served, cancel);
        if (refusal is not null) return await Refuse(refusal, "prompt", request, cancel);
        var reply = new TextReply(
            Ids.New("cmpl"), clock.GetUtcNow().ToUnixTimeSeconds(), served.Model, request.Logprobs is null ? null : new Logprobs(answer!.BytesOf), [.. answer!.PromptLengths.Select(length => echo ? 0 : length)]);
        return await Deliver(answer, reply, prompts.Count * choices.Count, request, cancel);
    }

    /// <param name="count">Answers, of all prompts.</param>
    private static async Task<IResult> Deliver(Answer answer, IReply reply, int count, AnswerRequest request, CancellationToken cancel)
    {
        if (request.Stream == true) return TypedResults.ServerSentEvents(Stream(answer, reply, request.StreamOptions?.IncludeUsage == true, cancel));
        ChoiceAnswer[] choices = [.. Enumerable.Range(0, count).Select(_ => new ChoiceAnswer())];
        await foreach (AnswerPiece piece in answer.Pieces(cancel))
        {
            ChoiceAnswer choice = choices[piece.Choice];
            choice.Text.Append(piece.Text);
            if (piece.Token is { } token) choice.Tokens.Add(token);
            if (piece.Finish is not { } finish) continue;
            if (Answer.Failure(finish) is { } failure)
            {
                answer.Cancel();
                return Refuse(failure, "model");
            }
            choice.Finish = finish;
        }
        return Results.Ok(reply.Whole(choices, answer.Usage));
    }

    /// <summary>OpenAI's stream: an object an event. One that does not come to its end says so in an error object, and has no [DONE].</summary>
    private static async IAsyncEnumerable<SseItem<string>> Stream(
        Answer answer, IReply reply, bool usage, [EnumeratorCancellation] CancellationToken cancel)
    {
        JsonSerializerOptions written = usage ? WithUsage : Json.Options;
        foreach (object opening in reply.Opening()) yield return Event(opening, written);
        await foreach (AnswerPiece piece in answer.Pieces(cancel))
        {
            if (piece.Finish is { } finish && Answer.Failure(finish) is { } failure)
            {
                answer.Cancel();
                (int status, string code) = Refused(failure.Kind);
                yield return Event(Errors.Body(status, failure.Message, code, "model"), written);
                yield break;
            }
            foreach (object chunk in reply.Chunks(piece)) yield return Event(chunk, written);
        }
        if (usage) yield return Event(reply.UsageChunk(answer.Usage), written);
        yield return new SseItem<string>("[DONE]");
    }

    private static void KeepUsage(JsonTypeInfo type)
    {
        if (type.Type == typeof(ChatCompletionChunk)) type.Properties.Single(property => property.PropertyType == typeof(Usage)).ShouldSerialize = (_, _) => true;
    }

    private static SseItem<string> Event(object body, JsonSerializerOptions written) => new(JsonSerializer.Serialize(body, written));

    private async Task<IResult> Refuse(AnswerRefusal refusal, string param, AnswerRequest request, CancellationToken cancel)
    {
        // It may have been deleted since it was found.
        if (refusal.Kind == RefusalKind.ModelUnusable && await catalog.Find(request.Model, request.AdapterId, cancel) is null)
            return await catalog.NotFound(request.Model, request.AdapterId, cancel);
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
        RefusalKind.BadPrompt or RefusalKind.BadSchema => (400, "invalid_value"),
        RefusalKind.ContextLengthExceeded => (400, "context_length_exceeded"),
        RefusalKind.NonFinite => (422, "non_finite_output"),
        RefusalKind.ModelUnusable => (503, "model_unusable"),
        RefusalKind.Cut => (503, "answer_cut"),
        _ => (503, "overloaded"),
    };
}
