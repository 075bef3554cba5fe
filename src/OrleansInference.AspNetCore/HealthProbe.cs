namespace OrleansInference.AspNetCore;

/// <summary>Asks a service whether it is well, for containers: their images have no program that could.</summary>
public static class HealthProbe
{
    /// <summary>The name of the command.</summary>
    public const string Command = "health";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Asks once.</summary>
    /// <param name="address">Such as <c>http://localhost:8000/v2/health/ready</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The exit code of a probe: 0 where the service answers that it is well, and else 1.</returns>
    public static async Task<int> RunAsync(string address, CancellationToken cancellationToken = default)
    {
        try
        {
            using var http = new HttpClient { Timeout = Patience };
            using var response = await http.GetAsync(new Uri(address), cancellationToken);
            Console.WriteLine($"{address}: {(int)response.StatusCode}");
            return response.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or UriFormatException or NotSupportedException)
        {
            await Console.Error.WriteLineAsync($"{address}: {exception.Message}");
            return 1;
        }
    }
}
