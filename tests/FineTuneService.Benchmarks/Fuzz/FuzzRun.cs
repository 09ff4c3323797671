using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Benchmarks.Soak;

namespace FineTuneService.Benchmarks.Fuzz;

/// <summary>
/// Thousands of inputs of every kind, each a valid one changed in a few places, against the real service: none may be answered 5xx (but a 503
/// that says when to come back), none may end it, hang it or fill its memory. Input number i of a kind follows from the seed alone.
/// </summary>
internal static class FuzzRun
{
    private const long MostMemory = 3L << 30;
    private const double LeastAccepted = 0.10;

    /// <summary>From here on each kind has to have its share of accepted inputs; of fewer, all together.</summary>
    private const int ManyOfAKind = 500;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <param name="count">Inputs of each kind.</param>
    /// <param name="only">KIND or KIND:NUMBER, to do some again.</param>
    public static async Task<int> Run(int seed, int count, string? only)
    {
        string data = Directory.CreateTempSubdirectory("finetune-fuzz-").FullName;
        using ServiceUnderTest service = new(data, ServiceUnderTest.LogOf("fuzz"));
        try
        {
            await service.Ready();
            using HttpClient admin = Client(service, service.AdminKey);
            (await admin.PostAsJsonAsync("/v1/tenants", new { id = "fuzz" })).EnsureSuccessStatusCode();
            JsonNode key = (await (await admin.PostAsJsonAsync("/v1/api_keys", new { tenant = "fuzz" })).Content.ReadFromJsonAsync<JsonNode>())!;
            using HttpClient tenant = Client(service, (string)key["key"]!);
            IReadOnlyList<FuzzKind> kinds = await new FuzzKinds(admin, tenant, Directory.CreateDirectory(Path.Combine(data, "fuzz")).FullName).All();
            string[] asked = only?.Split(':') ?? [];
            (int faults, int all, int taken, bool tooFew) = (0, 0, 0, false);
            foreach (FuzzKind kind in kinds.Where(kind => asked.Length == 0 || kind.Name == asked[0]))
            {
                int first = asked.Length > 1 ? int.Parse(asked[1], System.Globalization.CultureInfo.InvariantCulture) : 0;
                (int accepted, int wrong) = await Kind(kind, service, seed, first, asked.Length > 1 ? 1 : count);
                (faults, all, taken) = (faults + wrong, all + (asked.Length > 1 ? 1 : count), taken + accepted);
                tooFew |= count >= ManyOfAKind && accepted < LeastAccepted * count;
                if (service.HasExited) break;
            }
            Console.WriteLine($"{all} inputs, seed {seed}: {100d * taken / all:0} % accepted, {faults} faults, {service.ResidentBytes >> 20} MiB resident");
            if (asked.Length > 0) return faults == 0 ? 0 : 1;
            tooFew |= taken < LeastAccepted * all;
            if (tooFew) Console.WriteLine($"fewer than {LeastAccepted:P0} were accepted: they test too little");
            return faults == 0 && !tooFew ? 0 : 1;
        }
        finally
        {
            service.Dispose();
            Directory.Delete(data, recursive: true);
        }
    }

    private static HttpClient Client(ServiceUnderTest service, string key) =>
        new() { BaseAddress = service.Address, Timeout = Longest, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", key) } };

    private static async Task<(int Accepted, int Faults)> Kind(FuzzKind kind, ServiceUnderTest service, int seed, int first, int count)
    {
        (int accepted, int faults) = (0, 0);
        var clock = Stopwatch.StartNew();
        for (int number = first; number < first + count; number++)
        {
            byte[] input = Mutator.Mutate(kind, new Random(HashCode(seed, kind.Name, number)));
            string? fault = null;
            try
            {
                using HttpResponseMessage answer = await kind.Send(input);
                int status = (int)answer.StatusCode;
                if (answer.IsSuccessStatusCode) accepted++;
                else if (status >= 500 && (status != 503 || answer.Headers.RetryAfter is null)) fault = $"{status} {await answer.Content.ReadAsStringAsync()}";
            }
            catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException or IOException or System.Text.Json.JsonException)
            {
                fault = service.HasExited ? $"the service has ended; its log is {service.LogFile}" : failure.Message;
            }
            if (fault is null && service.ResidentBytes > MostMemory) fault = $"{service.ResidentBytes >> 20} MiB are resident";
            if (fault is null) continue;
            faults++;
            string kept = Path.Combine(Path.GetTempPath(), $"fuzz-{kind.Name}-{seed}-{number}.bin");
            File.WriteAllBytes(kept, input);
            Console.WriteLine($"FAULT {kind.Name}:{number} ({kept}): {fault[..Math.Min(fault.Length, 400)]}");
            if (service.HasExited || faults > 20) break;
        }
        Console.WriteLine($"  {kind.Name,-12} {count,6} inputs, {accepted,6} accepted, {faults} faults, {clock.Elapsed.TotalSeconds:0} s");
        return (accepted, faults);
    }

    /// <summary>The same on every machine, as .NET's own is not.</summary>
    private static int HashCode(int seed, string kind, int number)
    {
        uint hash = 2166136261;
        foreach (int part in (int[])[seed, .. kind.Select(letter => (int)letter), number]) hash = (hash ^ (uint)part) * 16777619;
        return (int)hash;
    }
}
