using System.ClientModel;
using System.Text.Json.Nodes;
using OpenAI.Chat;

namespace FineTuneService.Tests.OfficialClients;

[Collection(OfficialClientsCollection.Name)]
public sealed class ChatClientTests(OpenAIClients clients) : ClientTests(clients)
{
    private static readonly ChatMessage Question = new UserChatMessage("Repeat: red stone");
    private static readonly ChatMessage[] Conversation = [new SystemChatMessage("You repeat."), Question];

    private ChatClient Chat => Clients.Whole.GetChatClient(OpenAIClients.Model);

    [Fact]
    public Task Chat_WholeAndStreamedEveryWay_SaysTheSame() => Once(async () =>
    {
        ChatClient chat = Chat;
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 6 };
        ChatCompletion whole = Use.Call(() => chat.CompleteChat(Conversation, options, None)).Value;
        Assert.Equal((OpenAIClients.Model, ChatMessageRole.Assistant), (whole.Model, whole.Role));
        Assert.True(whole.FinishReason is ChatFinishReason.Stop or ChatFinishReason.Length);
        Assert.InRange(whole.Usage.OutputTokenCount, 1, 6);
        Assert.Equal(whole.Usage.TotalTokenCount, whole.Usage.InputTokenCount + whole.Usage.OutputTokenCount);
        Assert.Null(whole.Refusal);
        string text = whole.Content[0].Text;
        BinaryContent body = Asked(stream: false), same = Asked(stream: false);
        string[] others =
        [
            (await Use.Call(() => chat.CompleteChatAsync(Conversation, options, None))).Value.Content[0].Text,
            Text(Use.All(() => chat.CompleteChatStreaming(Conversation, options, None))),
            Text(await Use.All(() => chat.CompleteChatStreamingAsync(Conversation, options, None))),
            (string)Json(Use.Call(() => chat.CompleteChat(body, Plain)))["choices"]![0]!["message"]!["content"]!,
            (string)Json(await Use.Call(() => chat.CompleteChatAsync(same, Plain)))["choices"]![0]!["message"]!["content"]!,
        ];
        Assert.All(others, other => Assert.Equal(text, other));
        // Without options an answer is drawn, and is as long as it likes: it has an end all the same.
        Assert.Equal(ChatFinishReason.Stop, Use.Call(() => chat.CompleteChat(Question)).Value.FinishReason);
        Assert.Equal(ChatFinishReason.Stop, (await Use.Call(() => chat.CompleteChatAsync(Question))).Value.FinishReason);
        Assert.Equal(ChatFinishReason.Stop, Use.All(() => chat.CompleteChatStreaming(Question)).Last(update => update.FinishReason is not null).FinishReason);
        List<StreamingChatCompletionUpdate> updates = await Use.All(() => chat.CompleteChatStreamingAsync(Question));
        Assert.Equal(ChatMessageRole.Assistant, updates[0].Role);
        // The client asks for usage by itself: it comes last.
        Assert.True(updates[^1].Usage.TotalTokenCount > 0);
    });

    [Fact]
    public Task Chat_LogProbabilities_ComeWithEachToken() => Once(async () =>
    {
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 4, IncludeLogProbabilities = true, TopLogProbabilityCount = 3 };
        ChatCompletion whole = await Chat.CompleteChatAsync(Conversation, options);
        Assert.NotEmpty(whole.ContentTokenLogProbabilities);
        Assert.All(whole.ContentTokenLogProbabilities, token =>
        {
            Assert.InRange(token.LogProbability, -100, 0);
            Assert.Equal(3, token.TopLogProbabilities.Count);
            // Greedy: the token is the likeliest one.
            Assert.Equal(token.Token, token.TopLogProbabilities[0].Token);
        });
        List<StreamingChatCompletionUpdate> updates = await Chat.CompleteChatStreamingAsync(Conversation, options).ToListAsync();
        Assert.Equal(whole.ContentTokenLogProbabilities.Select(token => token.Token), updates.SelectMany(update => update.ContentTokenLogProbabilities).Select(token => token.Token));
    });

    [Fact]
    public Task Chat_Tools_AreCalledAndTheirResultsAnswered() => Once(async () =>
    {
        var weather = ChatTool.CreateFunctionTool("get_weather", "Weather at a place", BinaryData.FromString("""{"type": "object", "properties": {"place": {"enum": ["Oslo", "Bergen"]}}, "required": ["place"], "additionalProperties": false}"""), true);
        foreach (ChatToolChoice choice in new[] { ChatToolChoice.CreateRequiredChoice(), ChatToolChoice.CreateFunctionChoice("get_weather") })
        {
            var options = new ChatCompletionOptions { Seed = 3, Tools = { weather }, ToolChoice = choice, AllowParallelToolCalls = false };
            ChatCompletion asked = await Chat.CompleteChatAsync(Conversation, options);
            Assert.Equal(ChatFinishReason.ToolCalls, asked.FinishReason);
            ChatToolCall call = Assert.Single(asked.ToolCalls);
            Assert.Equal("get_weather", call.FunctionName);
            Assert.Contains((string)JsonNode.Parse(call.FunctionArguments)!["place"]!, new[] { "Oslo", "Bergen" });
            List<StreamingChatCompletionUpdate> updates = await Chat.CompleteChatStreamingAsync(Conversation, options).ToListAsync();
            StreamingChatToolCallUpdate[] parts = [.. updates.SelectMany(update => update.ToolCallUpdates)];
            Assert.Equal(("get_weather", call.FunctionArguments.ToString()), (parts[0].FunctionName, string.Concat(parts.Select(part => part.FunctionArgumentsUpdate?.ToString()))));
            Assert.All(parts, part => Assert.Equal(0, part.Index));
            ChatMessage[] answered = [.. Conversation, new AssistantChatMessage(asked), new ToolChatMessage(call.Id, "rain")];
            ChatCompletion said = await Chat.CompleteChatAsync(answered, new ChatCompletionOptions { MaxOutputTokenCount = 4, Tools = { weather }, ToolChoice = ChatToolChoice.CreateNoneChoice() });
            Assert.Empty(said.ToolCalls);
        }
    });

    [Fact]
    public Task Chat_ResponseFormats_AreKept() => Once(async () =>
    {
        var schema = BinaryData.FromString("""{"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}, "count": {"type": "integer", "minimum": 1, "maximum": 9}}, "required": ["colour", "count"], "additionalProperties": false}""");
        var options = new ChatCompletionOptions { Seed = 2, ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("stone", schema, "a stone", true) };
        ChatCompletion held = await Chat.CompleteChatAsync(Conversation, options);
        JsonNode stone = JsonNode.Parse(held.Content[0].Text)!;
        Assert.Contains((string)stone["colour"]!, new[] { "red", "blue" });
        Assert.InRange((int)stone["count"]!, 1, 9);
        Assert.Equal(held.Content[0].Text, Text(await Chat.CompleteChatStreamingAsync(Conversation, options).ToListAsync()));
        ChatCompletion any = await Chat.CompleteChatAsync(Conversation, new ChatCompletionOptions { Seed = 2, MaxOutputTokenCount = 60, ResponseFormat = ChatResponseFormat.CreateJsonObjectFormat() });
        Assert.StartsWith("{", any.Content[0].Text);
    });

    [Fact]
    public Task Chat_EveryOptionOfTheClients_IsTaken() => Once(async () =>
    {
        var options = new ChatCompletionOptions
        {
            StopSequences = { "stone" },
            EndUserId = "u",
            SafetyIdentifier = "u",
            MaxOutputTokenCount = 4,
            Metadata = { ["team"] = "a" },
            StoredOutputEnabled = false,
            ResponseModalities = ChatResponseModalities.Text,
            ResponseFormat = ChatResponseFormat.CreateTextFormat(),
            ServiceTier = ChatServiceTier.Auto,
            Temperature = 0.5f,
            TopP = 0.9f,
            FrequencyPenalty = 0.5f,
            PresencePenalty = 0.5f,
            Seed = 1,
            LogitBiases = { [5] = -100 },
        };
        ChatCompletion answer = await Chat.CompleteChatAsync([.. Conversation, new AssistantChatMessage("red stone"), new UserChatMessage(ChatMessageContentPart.CreateTextPart("Again."))], options);
        Assert.DoesNotContain("stone", answer.Content[0].Text);
    });

    [Fact]
    public Task Chat_WhatCannotBe_IsAnErrorThatTheClientReads() => Once(async () =>
    {
        ClientResultException unknown = await Assert.ThrowsAsync<ClientResultException>(() => Clients.Whole.GetChatClient("gpt-9").CompleteChatAsync(Question));
        Assert.Equal(404, unknown.Status);
        Assert.Contains("model_not_found", unknown.Message);
        ClientResultException tooLong = await Assert.ThrowsAsync<ClientResultException>(() => Chat.CompleteChatAsync(new UserChatMessage(string.Concat(Enumerable.Repeat("stone ", 400)))));
        Assert.Contains("context_length_exceeded", tooLong.Message);
    });

    private static BinaryContent Asked(bool stream) => Body(new
    {
        model = OpenAIClients.Model,
        messages = new object[] { new { role = "system", content = "You repeat." }, new { role = "user", content = "Repeat: red stone" } },
        temperature = 0,
        max_completion_tokens = 6,
        stream,
    });

    private static string Text(IEnumerable<StreamingChatCompletionUpdate> updates) => string.Concat(updates.SelectMany(update => update.ContentUpdate).Select(part => part.Text));
}
