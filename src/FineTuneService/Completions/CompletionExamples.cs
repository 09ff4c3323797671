using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.Completions;

/// <summary>Swagger UI's examples of answers.</summary>
internal static class CompletionExamples
{
    public static readonly ChatCompletionRequest Chat = new()
    {
        Model = ModelExamples.Tuned,
        Messages = [new MessageBody { Role = "user", Content = "Where is my parcel?" }],
        MaxTokens = 64,
        Temperature = 0,
    };

    public static readonly ChatCompletion Answer = new(
        "chatcmpl-3e5r7t9y1u3i5o7p9a1s3d5f", "chat.completion", 1764000600, ModelExamples.Tuned,
        [new ChatChoice(0, new AssistantMessage("assistant", "It left our store on Monday and arrives tomorrow.", null), null, "stop")], new Usage(14, 11));

    public const string ChatStream = """
        data: {"id":"chatcmpl-3e5r7t9y1u3i5o7p9a1s3d5f","object":"chat.completion.chunk","created":1764000600,"model":"talers-2m","choices":[{"index":0,"delta":{"content":"It left"},"logprobs":null,"finish_reason":null}]}

        data: [DONE]

        """;

    public static readonly CompletionRequest Complete = new()
    {
        Model = "talers-2m",
        Prompt = new Prompts([new Prompt("Good day", null)]),
        MaxTokens = 16,
        Temperature = 0.7,
        TopP = 0.9,
        Stop = new OneOrMany(["\n"]),
        Seed = 7,
    };

    public static readonly TextCompletion Text = new(
        "cmpl-8h6g4f2d0s9a7p5o3i1u8y6t", "text_completion", 1764000700, "talers-2m", [new TextChoice(" to you, and welcome.", 0, null, "stop")], new Usage(2, 6));
}
