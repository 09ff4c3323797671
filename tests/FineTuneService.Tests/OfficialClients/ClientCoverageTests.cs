using System.ClientModel;
using System.Linq.Expressions;
using System.Reflection;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.OfficialClients;

/// <summary>Every public method of the clients is called by the tests beside this one, or is named as one whose call answers 404.</summary>
[Collection(OfficialClientsCollection.Name)]
public sealed class ClientCoverageTests(OpenAIClients clients)
{
    [Fact]
    public async Task Methods_OfTheClients_AreEachCalledOrNamedAsMissing()
    {
        foreach (MethodInfo test in typeof(ClientTests).Assembly.GetTypes().Where(type => type.BaseType == typeof(ClientTests))
            .SelectMany(type => type.GetMethods()).Where(method => method.GetCustomAttribute<FactAttribute>() is not null))
            await (Task)test.Invoke(Activator.CreateInstance(test.ReflectedType!, clients), null)!;
        HashSet<(Type, MethodInfo)> missing = [.. Missing().SelectMany(ClientMethods.In).Select(one => (one.Client, one.Method.GetBaseDefinition()))];
        Assert.True(ClientMethods.All.Count() > 100);
        string[] neither = [.. ClientMethods.All.Where(one => !clients.Use.Has(one.Client, one.Method) && !missing.Contains((one.Client, one.Method.GetBaseDefinition()))).Select(one => $"{one.Client.Name}: {one.Method}")];
        Assert.True(neither.Length == 0, $"Neither called nor named in {nameof(MissingCalls)}:\n{string.Join('\n', neither)}");
        string[] both = [.. ClientMethods.All.Where(one => clients.Use.Has(one.Client, one.Method) && missing.Contains((one.Client, one.Method.GetBaseDefinition()))).Select(one => $"{one.Client.Name}: {one.Method}")];
        Assert.Empty(both);
    }

    [Fact]
    public async Task Methods_NamedAsMissing_Answer404WithOpenAIsErrorObject()
    {
        foreach (LambdaExpression call in Missing())
        {
            Exception thrown = await Assert.ThrowsAnyAsync<Exception>(() => MissingCalls.Run(call));
            ClientResultException refused = Assert.IsType<ClientResultException>(thrown is TargetInvocationException { InnerException: { } inner } ? inner : thrown);
            Assert.True(refused.Status == 404, $"{call}: {refused.Status}");
            JsonNode error = JsonNode.Parse(refused.GetRawResponse()!.Content.ToString())!["error"]!;
            Assert.Equal("unknown_url", (string)error["code"]!);
            Assert.Equal("invalid_request_error", (string)error["type"]!);
            Assert.NotEmpty((string)error["message"]!);
        }
    }

    private IReadOnlyList<LambdaExpression> Missing() => MissingCalls.Of(clients.Whole.GetChatClient(OpenAIClients.Model), clients.FineTuning);
}
