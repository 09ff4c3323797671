using System.ClientModel;
using System.ClientModel.Primitives;
using System.Linq.Expressions;
using OpenAI.Chat;
using OpenAI.FineTuning;

namespace FineTuneService.Tests.OfficialClients;

/// <summary>Methods of OpenAI's clients whose calls the service does not have: stored chat completions, and permissions of checkpoints. Each with a call of it.</summary>
internal static class MissingCalls
{
    private const string Id = "chatcmpl-none", Checkpoint = "ft:talers-2m:a:b:c:ckpt-step-1";
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly Dictionary<string, string> Labels = new() { ["team"] = "a" };
    private static readonly ChatCompletionCollectionOptions Stored = new();
    private static readonly ChatCompletionMessageCollectionOptions Messages = new();

    private static RequestOptions Plain => new();
    private static BinaryContent Body => BinaryContent.Create(BinaryData.FromString("{}"));

    public static IReadOnlyList<LambdaExpression> Of(ChatClient chat, FineTuningClient tuning) =>
    [
        Made(() => chat.GetChatCompletion(Id, None)), Made(() => chat.GetChatCompletionAsync(Id, None)), Made(() => chat.GetChatCompletion(Id, Plain)), Made(() => chat.GetChatCompletionAsync(Id, Plain)),
        Made(() => chat.UpdateChatCompletion(Id, Labels, None)), Made(() => chat.UpdateChatCompletionAsync(Id, Labels, None)),
        Made(() => chat.UpdateChatCompletion(Id, Body, Plain)), Made(() => chat.UpdateChatCompletionAsync(Id, Body, Plain)),
        Made(() => chat.DeleteChatCompletion(Id, None)), Made(() => chat.DeleteChatCompletionAsync(Id, None)), Made(() => chat.DeleteChatCompletion(Id, Plain)), Made(() => chat.DeleteChatCompletionAsync(Id, Plain)),
        Made(() => chat.GetChatCompletions(Stored, None)), Made(() => chat.GetChatCompletionsAsync(Stored, None)),
        Made(() => chat.GetChatCompletions(null, null, null, null, null, Plain)), Made(() => chat.GetChatCompletionsAsync(null, null, null, null, null, Plain)),
        Made(() => chat.GetChatCompletionMessages(Id, Messages, None)), Made(() => chat.GetChatCompletionMessagesAsync(Id, Messages, None)),
        Made(() => chat.GetChatCompletionMessages(Id, null, null, null, Plain)), Made(() => chat.GetChatCompletionMessagesAsync(Id, null, null, null, Plain)),
        Made(() => tuning.GetFineTuningCheckpointPermissions(Checkpoint, null, null, null, null, Plain)), Made(() => tuning.GetFineTuningCheckpointPermissionsAsync(Checkpoint, null, null, null, null, Plain)),
        Made(() => tuning.CreateFineTuningCheckpointPermission(Checkpoint, Body, Plain)), Made(() => tuning.CreateFineTuningCheckpointPermissionAsync(Checkpoint, Body, Plain)),
        Made(() => tuning.DeleteFineTuningCheckpointPermission(Checkpoint, "cp-none", Plain)), Made(() => tuning.DeleteFineTuningCheckpointPermissionAsync(Checkpoint, "cp-none", Plain)),
    ];

    /// <summary>Makes the call, and reads its first page where it has pages.</summary>
    public static async Task Run(LambdaExpression call)
    {
        switch (call.Compile(preferInterpretation: true).DynamicInvoke())
        {
            case Task task: await task; break;
            case CollectionResult pages: _ = pages.GetRawPages().First(); break;
            case AsyncCollectionResult pages: _ = await pages.GetRawPagesAsync().FirstAsync(); break;
        }
    }

    private static LambdaExpression Made<T>(Expression<Func<T>> call) => call;
}
