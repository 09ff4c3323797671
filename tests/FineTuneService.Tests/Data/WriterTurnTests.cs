using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.Data;

/// <summary>Who writes after whom, where many want to.</summary>
public sealed class WriterTurnTests(TestService service) : IClassFixture<TestService>
{
    [Theory]
    [InlineData("ExecuteUpdate")]
    [InlineData("ExecuteDelete")]
    [InlineData("ExecuteSql")]
    [InlineData("SaveChanges")]
    public async Task Statement_AskedForBeforeAnotherTransaction_IsNextOfTheTwo(string kind)
    {
        var scopes = service.Services.GetRequiredService<IServiceScopeFactory>();
        var open = new TaskCompletionSource();
        var began = new TaskCompletionSource();
        var order = new List<string>();
        Task first = Write(async _ =>
        {
            began.SetResult();
            await open.Task;
        });
        await began.Task;
        Task statement = Task.Run(async () =>
        {
            await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
            IQueryable<FineTuneService.Files.StoredFile> none = db.Files.Where(file => file.Id == "none");
            await (kind switch
            {
                "ExecuteUpdate" => none.ExecuteUpdateAsync(set => set.SetProperty(file => file.Filename, "x")),
                "ExecuteDelete" => none.ExecuteDeleteAsync(),
                "ExecuteSql" => db.Database.ExecuteSqlAsync($"DELETE FROM files WHERE id = 'none'"),
                _ => db.SaveChangesAsync(),
            });
            lock (order) order.Add("statement");
        });
        await Task.Delay(50); // It has come to where it waits.
        Task last = Write(_ =>
        {
            lock (order) order.Add("transaction");
            return Task.CompletedTask;
        });
        await Task.Delay(50);
        open.SetResult();
        await Task.WhenAll(first, statement, last);
        Assert.Equal(["statement", "transaction"], order);

        async Task Write(Func<FineTuneDbContext, Task> work)
        {
            await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
            await db.InTransaction(async () =>
            {
                await work(db);
                return true;
            });
        }
    }
}
