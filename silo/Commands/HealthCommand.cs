using System.CommandLine;

using OrleansInference.AspNetCore;

namespace OrleansInference.Silo.Commands;

/// <summary><c>health</c>: whether a service is well, as its container asks.</summary>
internal static class HealthCommand
{
    public static Command Create()
    {
        var address = new Argument<string>("address") { Description = "What to ask, as http://localhost:8000/v2/health/ready." };
        var command = new Command(HealthProbe.Command, "Asks a service whether it is well. Exits with 1 where it is not.") { address };
        command.SetAction((result, cancellationToken) => HealthProbe.RunAsync(result.GetValue(address)!, cancellationToken));
        return command;
    }
}
