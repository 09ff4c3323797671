using System.ClientModel.Primitives;
using System.Linq.Expressions;
using System.Reflection;
using OpenAI.Batch;
using OpenAI.Chat;
using OpenAI.Files;
using OpenAI.FineTuning;
using OpenAI.Models;

namespace FineTuneService.Tests.OfficialClients;

/// <summary>Public methods of OpenAI's .NET clients whose calls this service has.</summary>
internal static class ClientMethods
{
    private static readonly Type[] Clients =
    [
        typeof(OpenAIFileClient), typeof(FineTuningClient), typeof(FineTuningJob), typeof(ChatClient), typeof(OpenAIModelClient), typeof(BatchClient), typeof(CreateBatchOperation),
    ];

    /// <summary>All that send something: neither properties nor what every object has.</summary>
    public static IEnumerable<(Type Client, MethodInfo Method)> All => Clients.SelectMany(client => client
        .GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static)
        .Where(method => !method.IsSpecialName && method.DeclaringType != typeof(object) && method.GetBaseDefinition().DeclaringType != typeof(object))
        // It hands out the last answer.
        .Where(method => method.Name != nameof(OperationResult.GetRawResponse)).Select(method => (client, method)));

    /// <summary>Those that an expression calls.</summary>
    public static IReadOnlyList<(Type Client, MethodInfo Method)> In(LambdaExpression call)
    {
        var finder = new Finder();
        finder.Visit(call);
        Assert.NotEmpty(finder.Found);
        return finder.Found;
    }

    private sealed class Finder : ExpressionVisitor
    {
        public List<(Type, MethodInfo)> Found { get; } = [];

        protected override Expression VisitMethodCall(MethodCallExpression node)
        {
            if ((node.Object?.Type ?? node.Method.DeclaringType) is { } client && Clients.Contains(client)) Found.Add((client, node.Method));
            return base.VisitMethodCall(node);
        }
    }
}
