using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FineTuneService.Webhooks;

/// <summary>Standard Webhooks' signatures (https://www.standardwebhooks.com): HMAC-SHA256 over id, timestamp and body, as OpenAI's SDKs check them.</summary>
internal static class WebhookSignature
{
    private const string SecretPrefix = "whsec_";
    private const int SecretBytes = 32;

    public static string NewSecret() => SecretPrefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>webhook-signature's value.</summary>
    /// <param name="seconds">webhook-timestamp, in unix seconds.</param>
    public static string Of(string secret, string id, long seconds, string body)
    {
        byte[] key = Convert.FromBase64String(secret[SecretPrefix.Length..]);
        byte[] signed = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{seconds}.{body}"));
        return "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed));
    }
}
