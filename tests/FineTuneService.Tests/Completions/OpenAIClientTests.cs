using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;

namespace FineTuneService.Tests.Completions;

/// <summary>OpenAI's own .NET client against the service.</summary>
public sealed class OpenAIClientTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task CompleteChat_WithOpenAIsClient_AnswersWholeAndStreamed()
    {
        ChatClient chat = (await Client("sdk")).GetChatClient(TestService.BaseModel);
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 8 };
        ChatCompletion whole = await chat.CompleteChatAsync([new UserChatMessage("Repeat: red stone")], options);
        string streamed = "";
        await foreach (StreamingChatCompletionUpdate update in chat.CompleteChatStreamingAsync([new UserChatMessage("Repeat: red stone")], options))
            streamed += string.Concat(update.ContentUpdate.Select(part => part.Text));
        Assert.Equal(whole.Content[0].Text, streamed);
        Assert.InRange(whole.Usage.OutputTokenCount, 1, 8);
    }

    [Fact]
    public async Task Models_WithOpenAIsClient_ListTheBase()
    {
        var models = await (await Client("sdk-models")).GetOpenAIModelClient().GetModelsAsync();
        Assert.Contains(models.Value, model => model.Id == TestService.BaseModel);
    }

    [Fact]
    public async Task CompleteChat_PromptTooLong_SaysContextLengthExceeded()
    {
        ChatClient chat = (await Client("sdk-long")).GetChatClient(TestService.BaseModel);
        var refused = await Assert.ThrowsAsync<ClientResultException>(() => chat.CompleteChatAsync(new UserChatMessage(string.Concat(Enumerable.Repeat("stone ", 400)))));
        Assert.Contains("context_length_exceeded", refused.GetRawResponse()!.Content.ToString());
    }

    private async Task<OpenAIClient> Client(string tenant)
    {
        string key = await service.NewTenant(tenant);
        return new OpenAIClient(new ApiKeyCredential(key), new OpenAIClientOptions
        {
            Endpoint = new Uri(service.Server.BaseAddress, "/v1"),
            Transport = new HttpClientPipelineTransport(service.CreateClient()),
        });
    }
}
