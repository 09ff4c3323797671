using System.Text.Json.Nodes;
using FineTuneService.Completions;
using FineTuneService.Engine.Chat;
using FineTuneService.Hosting;
using FineTuneService.Tenants;

namespace FineTuneService.Tokenization;

/// <summary>Texts to tokens, tokens to texts, and conversations to prompts: what the model reads, without asking it. In vLLM's shapes.</summary>
internal static class TokenizationApi
{
    private const int MostTokens = 1 << 20;

    public static void MapTokenization(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/v1").WithTags("Tokenization").Needs(Access.Tenant);
        group.MapPost("/tokenize", Tokenize).WithSummary("The tokens of a text or a conversation").Takes(TokenizationExamples.Tokenize).Answers(TokenizationExamples.Tokens);
        group.MapPost("/detokenize", Detokenize).WithSummary("The text of tokens").Takes(TokenizationExamples.Detokenize).Answers(TokenizationExamples.Text);
        group.MapPost("/chat/template", Template).WithSummary("The prompt that a conversation becomes").Takes(TokenizationExamples.Template).Answers(TokenizationExamples.Prompt);
    }

    private static async Task<IResult> Tokenize(TokenizeRequest request, ServedTexts texts, CancellationToken cancel)
    {
        if (request.Prompt is null == request.Messages is null) return Errors.BadRequest("Give prompt or messages: one of them.", param: request.Prompt is null ? "prompt" : "messages");
        if (request.Messages is null)
        {
            foreach ((string field, bool given) in new[] { ("tools", request.Tools is { Count: > 0 }), ("add_generation_prompt", request.AddGenerationPrompt is not null) })
                if (given) return Errors.BadRequest($"{field} goes with messages.", param: field);
        }
        JsonArray? tools = null;
        ChatMessage[] messages = [];
        if (request.Messages is { } bodies && (ChatMessages.Read(bodies, out messages) ?? ChatTools.Render(request.Tools, out tools)) is { } wrong) return wrong;
        return await texts.Run(request.Model, model =>
        {
            bool special = request.AddSpecialTokens ?? (request.Messages is null || model.Encoder.AddsSpecialTokens);
            string text = request.Prompt ?? model.Encoder.RenderChat(messages, tools, request.AddGenerationPrompt ?? true);
            int[] ids = model.Tokenizer.Encode(text, special);
            return new TokenizeBody(ids.Length, model.Capacity, ids, [.. ids.Select(id => model.Tokenizer.TokenOf(id) ?? "")]);
        }, request.Messages is null ? "prompt" : "messages", cancel);
    }

    private static async Task<IResult> Detokenize(DetokenizeRequest request, ServedTexts texts, CancellationToken cancel)
    {
        if (request.Tokens.Count > MostTokens) return Errors.BadRequest($"tokens has {request.Tokens.Count} ids; {MostTokens} are the most.", param: "tokens");
        return await texts.Run(request.Model, model =>
        {
            int unknown = request.Tokens.FirstOrDefault(id => id < 0 || model.Tokenizer.TokenOf(id) is null, -1);
            if (unknown != -1 || request.Tokens.Contains(-1)) throw new UnknownTokenException(unknown);
            return new DetokenizeBody(model.Tokenizer.Decode([.. request.Tokens], skipSpecialTokens: false));
        }, "tokens", cancel);
    }

    private static async Task<IResult> Template(ChatTemplateRequest request, ServedTexts texts, CancellationToken cancel)
    {
        if (ChatMessages.Read(request.Messages, out ChatMessage[] messages) is { } wrong) return wrong;
        if (ChatTools.Render(request.Tools, out JsonArray? tools) is { } wrongTools) return wrongTools;
        return await texts.Run(request.Model, model => new ChatTemplateBody(model.Encoder.RenderChat(messages, tools, request.AddGenerationPrompt ?? true)), "messages", cancel);
    }
}
