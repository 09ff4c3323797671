using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;

namespace FineTuneService.Tests.OfficialClients;

/// <summary>
/// Makes calls of clients' methods and notes each method, once its call has come to its end and has sent a request. Calls are written as
/// expressions, so that which overload was called is read and not assumed.
/// </summary>
/// <param name="requests">How many the clients have sent.</param>
public sealed class CalledMethods(Func<long> requests)
{
    private readonly ConcurrentDictionary<(Type, MethodInfo), bool> _called = [];

    public bool Has(Type client, MethodInfo method) => _called.ContainsKey((client, method.GetBaseDefinition()));

    public T Call<T>(Expression<Func<T>> call) => Noted(call, call.Compile(preferInterpretation: true));

    public void Call(Expression<Action> call)
    {
        Action made = call.Compile(preferInterpretation: true);
        Noted(call, () =>
        {
            made();
            return true;
        });
    }

    public Task<T> Call<T>(Expression<Func<Task<T>>> call) => NotedAsync(call, call.Compile(preferInterpretation: true));

    public Task Call(Expression<Func<Task>> call)
    {
        Func<Task> made = call.Compile(preferInterpretation: true);
        return NotedAsync(call, async () =>
        {
            await made();
            return true;
        });
    }

    /// <summary>All items of all pages.</summary>
    public List<T> All<T>(Expression<Func<CollectionResult<T>>> call)
    {
        Func<CollectionResult<T>> made = call.Compile(preferInterpretation: true);
        return Noted(call, () => made().ToList());
    }

    public Task<List<T>> All<T>(Expression<Func<AsyncCollectionResult<T>>> call)
    {
        Func<AsyncCollectionResult<T>> made = call.Compile(preferInterpretation: true);
        return NotedAsync(call, async () => await made().ToListAsync());
    }

    /// <summary>The pages as they came.</summary>
    public List<ClientResult> Pages(Expression<Func<CollectionResult>> call)
    {
        Func<CollectionResult> made = call.Compile(preferInterpretation: true);
        return Noted(call, () => made().GetRawPages().ToList());
    }

    public Task<List<ClientResult>> Pages(Expression<Func<AsyncCollectionResult>> call)
    {
        Func<AsyncCollectionResult> made = call.Compile(preferInterpretation: true);
        return NotedAsync(call, async () => await made().GetRawPagesAsync().ToListAsync());
    }

    private T Noted<T>(LambdaExpression call, Func<T> made)
    {
        long before = requests();
        T answer = made();
        Note(call, before);
        return answer;
    }

    private async Task<T> NotedAsync<T>(LambdaExpression call, Func<Task<T>> made)
    {
        long before = requests();
        T answer = await made();
        Note(call, before);
        return answer;
    }

    private void Note(LambdaExpression call, long before)
    {
        Assert.True(requests() > before, $"{call} sent no request");
        foreach ((Type client, MethodInfo method) in ClientMethods.In(call)) _called[(client, method.GetBaseDefinition())] = true;
    }
}
